"""The labs' pages: the catalogue, a lab, a session of it and its end."""

from typing import Any
from uuid import UUID

from csp.constants import NONCE, SELF
from csp.decorators import csp_replace
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from community.api import User
from labs import context, sessions
from labs.forms import CatalogueFilter
from labs.lifecycle import State
from labs.models import Lab, LabSession
from labs.playback.opening import open_playback
from labs.refusals import Refusal

LABS_PER_PAGE = 12


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """The labs on offer that match the words and the level asked for, a page at a time."""
    form = CatalogueFilter(request.GET)
    wish = form.wish
    labs = Lab.objects.published().matching(wish["q"])
    if wish["level"]:
        labs = labs.at_level(wish["level"])
    page = Paginator(labs, LABS_PER_PAGE).get_page(request.GET.get("page"))
    learner = request.user if request.user.is_authenticated else None
    return render(
        request,
        "labs/catalogue.html",
        {
            "form": form,
            "wish": wish,
            "page": page,
            "cards": context.catalogue_cards(page.object_list, learner),
            "query": context.query_of(wish),
            "is_filtered": any(wish.values()),
        },
    )


@require_safe
def lab(request: HttpRequest, slug: str) -> HttpResponse:
    """What a lab asks and gives, and the way into it, or why there is none just now."""
    lab = get_object_or_404(Lab.objects.published().prefetch_related("steps__checks"), slug=slug)
    learner = request.user if request.user.is_authenticated else None
    return render(
        request,
        "labs/lab.html",
        {
            **context.lab_facts(lab),
            **context.way_in(lab, learner),
            "breadcrumbs": [{"title": _("Labs"), "url": reverse("labs:catalogue")}, {"title": lab.title}],
        },
    )


@require_POST
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """On to the learner's session of the lab, opened if need be; a refusal is told on the lab's own page."""
    lab = get_object_or_404(Lab.objects.published(), slug=slug)
    if not isinstance(request.user, User):
        return redirect_to_login(reverse("labs:lab", args=[slug]))
    try:
        session = sessions.start_lab(request.user, lab)
    except Refusal as refusal:
        # The lab's page shows a session that is in the way, with the way to it.
        if not getattr(refusal, "session_id", ""):
            messages.error(request, f"{refusal} {refusal.remedy}".strip())
        return redirect("labs:lab", slug)
    return redirect("labs:session", session.pk)


@login_required
@require_POST
def play(request: HttpRequest, slug: str) -> HttpResponse:
    """On to the person's session in which the lab's solution is played; there is none for who may not see it."""
    assert isinstance(request.user, User)  # noqa: S101  (login_required)
    lab = get_object_or_404(Lab.objects.published(), slug=slug)
    if not request.user.has_perm("labs.play_solution", lab):
        raise Http404
    try:
        session = open_playback(request.user, lab)
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.remedy}".strip())
        return redirect("labs:lab", slug)
    return redirect("labs:session", session.pk)


# xterm.js writes <style> elements of its own. They get this page's nonce (labs/static/labs/csp.js), so that neither
# 'unsafe-inline' nor any style attribute needs to be allowed; every other page stays at style-src 'self'.
@csp_replace({"style-src-elem": [SELF, NONCE]})  # type: ignore[arg-type]  # its types know no view with arguments
@never_cache
@login_required
@require_safe
def session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The lab page while the session is open, afterwards how it ended and what to do next."""
    assert isinstance(request.user, User)  # noqa: S101  (login_required)
    try:
        session = sessions.session_of(request.user, session_id)
    except LabSession.DoesNotExist as error:
        raise Http404 from error
    if has_ended(session):
        return render(request, "labs/session_ended.html", context.ended_facts(session))
    facts: dict[str, Any] = context.session_facts(request, session)
    return render(request, "labs/session.html", facts)


def has_ended(session: LabSession) -> bool:
    """Whether the session is over, or its machines are on their way out."""
    sandbox = session.sandbox
    if sandbox is None and session.waiting_place is not None:
        return False
    return not session.is_open or sandbox is None or sandbox.state in {State.STOPPING, State.STOPPED}
