"""What somebody in the queue is told: where they stand, how long it may take, and why a place was lost."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from labs import scheduling
from labs.models import Host, LabSession, Outcome, QueuePlace

QUEUED = "queued"
# Beyond this an expectation is none.
LONGEST_S = 24 * 3600


def queue_body(place: QueuePlace) -> dict[str, Any]:
    """The place as JSON says it."""
    return {
        "position": place.position,
        "of": QueuePlace.objects.waiting().count(),
        "expected_s": expected_s(place, timezone.now()),
        "kept_s": settings.LABS_QUEUE_KEEP_MINUTES * 60,
        "why": why(place),
    }


def why(place: QueuePlace) -> str:
    """What keeps everybody out just now; empty when it is only that others are in."""
    host = Host.objects.filter(pk=1).first() or Host()
    if host.draining_at is not None:
        return _("The host takes no new labs while it is worked on.")
    found = scheduling.strain(host, place.memory_mib)
    if not found:
        return ""
    return _("%(cause)s Labs begin again as soon as enough is free; the operators see it, too.") % {
        "cause": found.label
    }


def expected_s(place: QueuePlace, now: datetime) -> list[int] | None:
    """After how many seconds from ``now`` the turn may come, at the earliest and at the latest; None when unknown."""
    if place.expected_from is None or place.expected_until is None:
        return None
    low, high = (
        max(0, round((moment - now).total_seconds()))
        for moment in (place.expected_from, place.expected_until)
    )
    return [low, high] if low < LONGEST_S else None


def ending_of(session: LabSession) -> str:
    """How the place of a session that never had machines ended; empty while it waits or when it had none."""
    place = getattr(session, "place", None)
    return str(place.outcome) if place is not None and place.outcome != Outcome.ADMITTED else ""


def message_of(session: LabSession) -> str:
    """What the learner should know of their place, in a sentence or two."""
    match ending_of(session):
        case Outcome.LEFT:
            return _("You gave up your place in the queue. Start the lab again to queue anew.")
        case Outcome.LAPSED:
            return _(
                "Nobody had this page open for %(minutes)d minutes, so the place went to the next in the queue. "
                "Start the lab again to queue anew."
            ) % {"minutes": settings.LABS_QUEUE_KEEP_MINUTES}
        case Outcome.USED_UP:
            return _(
                "When your turn came, the allowance for labs was used up. "
                "The lab's page says what is left of it and when it is given anew."
            )
        case _other:
            return ""
