"""Pages of kept files: the list of mine, and a copy that somebody shares."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from community.api import User
from labs import keeping, keeping_bodies
from labs.models import Fork, Snapshot
from labs.refusals import Refusal


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  (login_required)
    return request.user


@never_cache
@login_required
@require_safe
def kept(request: HttpRequest) -> HttpResponse:
    """The files I saved, and the copies I share with whoever has the link."""
    person = _person(request)
    return render(
        request,
        "labs/kept.html",
        {
            "snapshots": [keeping_bodies.snapshot_body(one) for one in keeping.snapshots_of(person)],
            "forks": [keeping_bodies.fork_body(one) for one in keeping.forks_of(person)],
            "kept_words": keeping_bodies.kept_words(),
            "breadcrumbs": [
                {"title": _("Labs"), "url": reverse("labs:catalogue")},
                {"title": _("Saved files")},
            ],
        },
    )


@login_required
@require_POST
def change(request: HttpRequest, snapshot_id: UUID, verb: str) -> HttpResponse:
    """The snapshot is renamed, deleted or taken back, or the lab is started with its files."""
    try:
        snapshot = keeping.snapshot_of(_person(request), snapshot_id)
    except Snapshot.DoesNotExist as error:
        raise Http404 from error
    if verb == "resume":
        try:
            return redirect("labs:session", keeping.resume_from(_person(request), snapshot).pk)
        except Refusal as refusal:
            messages.error(request, f"{refusal} {refusal.remedy}".strip())
    elif verb == "rename":
        keeping.rename(snapshot, request.POST.get("name", ""))
    elif verb == "delete":
        keeping.delete(snapshot)
    elif verb == "undelete":
        keeping.undelete(snapshot)
    else:
        raise Http404
    return redirect("labs:kept")


@login_required
@require_POST
def revoke(request: HttpRequest, fork_id: int) -> HttpResponse:
    """Nobody can open the link any more."""
    try:
        keeping.revoke(keeping.fork_of(_person(request), fork_id))
    except Fork.DoesNotExist as error:
        raise Http404 from error
    return redirect("labs:kept")


@never_cache
@login_required
def fork(request: HttpRequest, token: str) -> HttpResponse:
    """What somebody shares, and on a wish a sandbox of one's own with it."""
    found = keeping.find_fork(token)
    if found is not None and request.method == "POST":
        try:
            return redirect("labs:session", keeping.open_fork(_person(request), found).pk)
        except Refusal as refusal:
            messages.error(request, f"{refusal} {refusal.remedy}".strip())
            return redirect("labs:fork", token)
    facts = {
        "fork": found,
        "kept_words": keeping_bodies.kept_words(),
        "breadcrumbs": [
            {"title": _("Labs"), "url": reverse("labs:catalogue")},
            {"title": _("A shared copy")},
        ],
    }
    return render(request, "labs/fork.html", facts, status=200 if found else 404)
