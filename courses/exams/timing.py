"""What an examiner or invigilator does to the clocks of attempts; each act leaves an event, and the deadline follows."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from community.api import User
from courses.exams.clock import deadline
from courses.exams.refusals import AttemptOver, ClockRuns, ClockStands
from courses.models import Attempt, AttemptEvent, AttemptState, AttemptStop, Exam, StopCause


def held(attempt_id: UUID) -> Attempt:
    """The open attempt, locked until the transaction ends. Raises AttemptOver."""
    attempt = Attempt.objects.select_for_update().get(pk=attempt_id)
    if attempt.state != AttemptState.OPEN:
        raise AttemptOver
    return attempt


def stamp(attempt: Attempt) -> Attempt:
    """The deadline is what was granted and when the clock stood make it; the caller holds the attempt."""
    stops = [stop.span for stop in attempt.stops.all()]
    standing = [stop.began_at for stop in stops if stop.ended_at is None]
    attempt.paused_at = standing[0] if standing else None
    attempt.deadline_at = None if standing else deadline(attempt.started_at, attempt.terms, stops)
    attempt.save(update_fields=["paused_at", "deadline_at", "factor", "extra_s", "limit_s", "closes_at"])
    return attempt


def told(attempt: Attempt, kind: "AttemptEvent.Kind", person: User | None, **detail: object) -> None:
    AttemptEvent.objects.create(attempt=attempt, kind=kind, person=person, detail=detail)


@transaction.atomic
def grant(
    attempt_id: UUID, by: User, *, extra_s: int | None = None, factor: Decimal | None = None
) -> Attempt:
    """The running attempt has so much extra time, or such a factor, instead of what it had. Raises AttemptOver."""
    attempt = held(attempt_id)
    if extra_s is not None:
        attempt.extra_s = extra_s
    if factor is not None:
        attempt.factor = factor
    stamp(attempt)
    told(attempt, AttemptEvent.Kind.TIME_GRANTED, by, extra_s=attempt.extra_s, factor=str(attempt.factor))
    return attempt


@transaction.atomic
def pause(attempt_id: UUID, by: User, why: str) -> Attempt:
    """The clock stands and nothing is saved until it is resumed. Raises AttemptOver, ClockStands."""
    attempt = held(attempt_id)
    now = timezone.now()
    if attempt.paused_at is not None:
        raise ClockStands
    if attempt.deadline_at is not None and attempt.deadline_at <= now:
        raise AttemptOver
    AttemptStop.objects.create(attempt=attempt, cause=StopCause.PAUSE, began_at=now)
    stamp(attempt)
    told(attempt, AttemptEvent.Kind.PAUSED, by, why=why)
    return attempt


@transaction.atomic
def resume(attempt_id: UUID, by: User) -> Attempt:
    """The clock runs on with what was left. Raises AttemptOver, ClockRuns."""
    attempt = held(attempt_id)
    if not attempt.stops.filter(ended_at=None).update(ended_at=timezone.now()):
        raise ClockRuns
    stamp(attempt)
    told(attempt, AttemptEvent.Kind.RESUMED, by)
    return attempt


@transaction.atomic
def void(attempt_id: UUID, by: User, why: str) -> Attempt:
    """The attempt counts for nothing, whether open, submitted or graded; repeating changes nothing."""
    attempt = Attempt.objects.select_for_update().get(pk=attempt_id)
    ended_at = attempt.ended_at or timezone.now()
    if attempt.move(AttemptState.VOIDED, ended_at=ended_at, paused_at=None):
        told(attempt, AttemptEvent.Kind.VOIDED, by, why=why)
    return attempt


def give_back(began_at: datetime, ended_at: datetime, exam: Exam | None = None) -> int:
    """Every open attempt (of ``exam``) gets back what an outage took of it; how many did. Repeating gives nothing twice."""
    attempts = Attempt.objects.open().filter(started_at__lt=ended_at)
    if exam is not None:
        attempts = attempts.filter(exam=exam)
    return sum(_given_back(pk, began_at, ended_at) for pk in attempts.values_list("pk", flat=True))


@transaction.atomic
def _given_back(attempt_id: UUID, began_at: datetime, ended_at: datetime) -> bool:
    try:
        attempt = held(attempt_id)
    except AttemptOver:
        return False
    _stop, is_new = AttemptStop.objects.get_or_create(
        attempt=attempt, cause=StopCause.OUTAGE, began_at=began_at, defaults={"ended_at": ended_at}
    )
    if is_new:
        before = attempt.deadline_at
        stamp(attempt)
        gained = (attempt.deadline_at - before).total_seconds() if before and attempt.deadline_at else None
        told(
            attempt,
            AttemptEvent.Kind.OUTAGE,
            None,
            began_at=began_at.isoformat(),
            ended_at=ended_at.isoformat(),
            gained_s=gained,
        )
    return is_new
