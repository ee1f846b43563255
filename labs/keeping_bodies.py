"""What the outside sees of kept files: how saving and putting back stand, the list of them, and who opened a copy."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from labs import snapshotting
from labs.models import Fork, LabSession, Snapshot
from labs.models.snapshot import Purpose

PROBLEMS: dict[str, str | Promise] = {
    snapshotting.TOO_LARGE: gettext_lazy("The files are too large to be kept."),
    snapshotting.ENDED: gettext_lazy("The session ended before the files were saved."),
    snapshotting.DAMAGED: gettext_lazy("The kept files are damaged and were not put back."),
    snapshotting.ENGINE: gettext_lazy("The files could not be read or written; try again in a moment."),
}


def homes_body(session: LabSession | None) -> dict[str, Any]:
    """How saving and putting back stand in the session, in two queries; None for one in which neither can have been."""
    saves = list(session.snapshots.all()) if session else []
    puts = list(session.put_back.all()) if session else []
    asked = [one for one in saves if one.purpose != Purpose.UNDO]
    wishes: list[Any] = [*asked, *puts]
    last = max(wishes, key=lambda wish: wish.asked_at, default=None)
    undone = {one.node for one in saves if one.purpose == Purpose.UNDO and one.can_be_put_back}
    return {
        "saving": any(one.answered_at is None for one in saves),
        "putting_back": any(one.answered_at is None for one in puts),
        "problem": problem_words(last.problem) if last else "",
        "can_undo": sorted(undone),
    }


def problem_words(problem: str) -> str:
    return str(PROBLEMS.get(problem, problem))


def snapshot_body(snapshot: Snapshot) -> dict[str, Any]:
    homes = list(snapshot.homes.all())
    return {
        "id": str(snapshot.pk),
        "lab": snapshot.lab.slug,
        "title": snapshot.lab.title,
        "name": snapshot.name,
        "nodes": [home.node for home in homes],
        "bytes": sum(home.file_bytes for home in homes),
        "asked_at": snapshot.asked_at,
        "expires_at": snapshot.expires_at,
        "deleted_at": snapshot.deleted_at,
        "ready": snapshot.can_be_put_back,
        "problem": problem_words(snapshot.problem),
    }


def fork_body(fork: Fork) -> dict[str, Any]:
    """With whoever opened it, by name, for its owner's eyes."""
    return {
        "id": fork.pk,
        "lab": fork.snapshot.lab.slug,
        "title": fork.snapshot.lab.title,
        "url": settings.PUBLIC_URL + reverse("labs:fork", args=[fork.token]),
        "made_at": fork.made_at,
        "expires_at": fork.expires_at,
        "revoked_at": fork.revoked_at,
        "open": fork.is_open,
        "openings": [
            {"person": str(opening.person), "opened_at": opening.opened_at} for opening in fork.openings.all()
        ],
    }


def kept_words() -> str:
    """What is kept and what is not, honestly."""
    return _(
        "Kept are the files in the home of each machine. Not kept are running programs, /tmp, "
        "and changes outside of the home."
    )
