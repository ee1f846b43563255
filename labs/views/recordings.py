"""Recordings of terminals: the list, the player, the file."""

from typing import Any
from uuid import UUID

from csp.constants import NONCE, SELF
from csp.decorators import csp_replace
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from community.api import User
from labs import context
from labs.models import Recording
from labs.recordings import playing

RECORDINGS_PER_PAGE = 20
WASM = "'wasm-unsafe-eval'"


@never_cache
@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The recordings this person may play, newest first, a page at a time."""
    assert isinstance(request.user, User)  # noqa: S101  (login_required)
    words = request.GET.get("q", "")[:200]
    recordings = Recording.objects.shown_to(request.user).matching(words)
    page = Paginator(
        recordings.select_related("session__lab", "session__learner"), RECORDINGS_PER_PAGE
    ).get_page(request.GET.get("page"))
    return render(
        request,
        "labs/recordings.html",
        {
            "page": page,
            "words": words,
            "query": context.query_of({"q": words}),
            "of_others": any(one.session.learner_id != request.user.pk for one in page),
            "breadcrumbs": [
                {"title": _("Labs"), "url": reverse("labs:catalogue")},
                {"title": _("Recordings")},
            ],
        },
    )


# The player draws with a terminal compiled to WebAssembly: this page, and no other, lets compiled code be loaded.
# Scripts from text stay forbidden.
@csp_replace({"script-src": [SELF, NONCE, WASM]})  # type: ignore[arg-type]  # its types know no view with arguments
@never_cache
@login_required
@require_safe
def show(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """The player, and beside it where each check changed."""
    recording = _find(request.user, recording_id)
    marks = playing.marks_of(recording)
    session = recording.session
    return render(
        request,
        "labs/recording.html",
        {
            "recording": recording,
            "lab": session.lab,
            "marks": marks,
            "has_file": recording.path.exists(),
            "player": {
                "source": reverse("labs:recording_file", args=[recording.pk]),
                "trouble": _("The recording could not be loaded. Reload the page to try again."),
            },
            "breadcrumbs": [
                {"title": _("Labs"), "url": reverse("labs:catalogue")},
                {"title": _("Recordings"), "url": reverse("labs:recordings")},
                {"title": f"{session.lab.title}: {recording.node} {recording.terminal}"},
            ],
        },
    )


@never_cache
@login_required
@require_safe
def file(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """The recording as asciicast v2."""
    recording = _find(request.user, recording_id)
    try:
        text = playing.asciicast(recording, playing.marks_of(recording))
    except (FileNotFoundError, ValueError) as error:
        raise Http404 from error
    answer = HttpResponse(text, content_type="application/x-asciicast")
    answer["Content-Disposition"] = f'attachment; filename="{recording.node}-{recording.terminal}.cast"'
    return answer


def _find(person: Any, recording_id: UUID) -> Recording:
    assert isinstance(person, User)  # noqa: S101  (login_required)
    found = (
        Recording.objects.select_related("session__lab", "session__learner").filter(pk=recording_id).first()
    )
    if found is None or not person.has_perm("labs.play_recording", found):
        raise Http404
    return found
