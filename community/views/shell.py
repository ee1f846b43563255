"""The frame's own doors: the theme and the state of the site."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from community import registry
from community.context import THEMES

YEAR_S = 365 * 24 * 3600


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """The page asked from, now light, dark, or as the system has it."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = reverse("wagtail_serve", args=[""])
    response = HttpResponseRedirect(target)
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=YEAR_S, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


@never_cache
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Every part of the site with what is wrong now and what to do about it."""
    parts = registry.status_parts(request)
    context = {"parts": parts, "broken": any(part.problem for part in parts)}
    return render(request, "community/status.html", context)
