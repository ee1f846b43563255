"""Attempts whose time is up are closed, with or without a browser; the end is when it was due, not when this ran."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from courses.models import Attempt, AttemptEvent, AttemptState, EndReason

BATCH = 1000


def close_due() -> list[UUID]:
    """Every open attempt whose deadline has passed is submitted as of its deadline; those this call closed.

    Some seconds are waited, so that what was received in time and is being kept finds its attempt open.
    """
    closed: list[UUID] = []
    while batch := _close_some():
        closed += batch
    return closed


@transaction.atomic
def _close_some() -> list[UUID]:
    due_at = timezone.now() - timedelta(seconds=settings.COURSES_EXAM_GRACE_SECONDS)
    due = Attempt.objects.due(due_at).order_by("pk").select_for_update(skip_locked=True)
    found = list(due.values_list("pk", flat=True)[:BATCH])
    if found:
        Attempt.objects.open().filter(pk__in=found).update(
            state=AttemptState.SUBMITTED, reason=EndReason.TIME_UP, ended_at=F("deadline_at")
        )
        AttemptEvent.objects.bulk_create(
            AttemptEvent(attempt_id=pk, kind=AttemptEvent.Kind.ENDED, detail={"reason": EndReason.TIME_UP})
            for pk in found
        )
    return found


def waiting_for_grades(limit: int) -> list[UUID]:
    """Submitted attempts that nobody has graded yet: a lost message is found here."""
    return list(
        Attempt.objects.filter(state=AttemptState.SUBMITTED, grades=None)
        .order_by("ended_at")[:limit]
        .values_list("pk", flat=True)
    )
