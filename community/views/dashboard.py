"""A person's own start page."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from community import registry


@login_required
def show(request: HttpRequest) -> HttpResponse:
    return render(request, "community/dashboard.html", {"panels": registry.dashboard_panels(request)})
