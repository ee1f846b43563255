"""What a candidate asks: may I, begin, go on from this device, hand in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from community.api import User
from courses.exams import chain, tasks
from courses.exams.clock import Terms, deadline
from courses.exams.papers import take_paper
from courses.exams.refusals import (
    AttemptOver,
    MustWait,
    NoAttemptsLeft,
    NotAnnounced,
    NotInvited,
    NotOpenYet,
    WindowClosed,
)
from courses.models import (
    Attempt,
    AttemptEvent,
    AttemptState,
    Audience,
    EndReason,
    Enrolment,
    Exam,
    ExamCandidate,
    TimeFactor,
)

SALT = "courses.exams.attempt"
TOKEN_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Ticket:
    """What a token says: the device may write in this attempt until another one is opened."""

    attempt: UUID
    epoch: int


def terms_for(exam: Exam, person: User, listed: ExamCandidate | None) -> Terms:
    """What the person is granted: the larger of their factors for all exams and for this one, and its extra time."""
    always = TimeFactor.objects.filter(person=person).values_list("factor", flat=True).first()
    here = listed.factor if listed else None
    return Terms(
        limit_s=exam.limit_s,
        closes_at=exam.closes_at,
        factor=Fraction(max(always or Decimal(1), here or Decimal(1))),
        extra_s=listed.extra_s if listed else 0,
    )


def terms_to_begin(exam: Exam, person: User, now: datetime) -> tuple[Terms, int]:
    """What the person is granted who begins now, and the number of that attempt.

    Raises NotAnnounced, NotInvited, NotOpenYet, WindowClosed, NoAttemptsLeft or MustWait.
    """
    if exam.published_at is None or exam.withdrawn_at is not None:
        raise NotAnnounced
    listed = ExamCandidate.objects.filter(exam=exam, person=person).first()
    if not is_invited(exam, person, listed):
        raise NotInvited
    if exam.opens_at is not None and now < exam.opens_at:
        raise NotOpenYet(exam.opens_at)
    terms = terms_for(exam, person, listed)
    last_start = terms.last_start()
    if last_start is not None and now >= last_start:
        raise WindowClosed(last_start)
    used = list(Attempt.objects.of(person).filter(exam=exam).order_by("number"))
    if len(used) >= exam.attempts_allowed + (listed.more_attempts if listed else 0):
        raise NoAttemptsLeft
    if used and exam.wait_s and used[-1].ended_at is not None:
        until = used[-1].ended_at + timedelta(seconds=exam.wait_s)
        if now < until:
            raise MustWait(until)
    return terms, len(used) + 1


def is_invited(exam: Exam, person: User, listed: ExamCandidate | None) -> bool:
    if exam.audience == Audience.ANYBODY:
        return True
    if exam.audience == Audience.COURSE and exam.course_key is not None:
        return Enrolment.objects.current().of(person).in_course(exam.course_key).exists()
    return listed is not None


@transaction.atomic
def begin(exam: Exam, person: User) -> Attempt:
    """The person's open attempt; asking again while it is open gives the same one, with the clock as it runs.

    Raises what ``terms_to_begin`` raises, and NotReady when no paper can be built.
    """
    # Two clicks of one person follow each other here, so that they cannot both find no open attempt.
    User.objects.select_for_update().get(pk=person.pk)
    running = Attempt.objects.of(person).open().filter(exam=exam).first()
    if running is not None:
        return running
    now = timezone.now()
    terms, number = terms_to_begin(exam, person, now)
    paper = take_paper(exam)
    attempt = Attempt(
        exam=exam,
        person=person,
        paper=paper,
        number=number,
        started_at=now,
        deadline_at=deadline(now, terms),
        limit_s=terms.limit_s,
        closes_at=terms.closes_at,
        factor=Decimal(terms.factor.numerator) / terms.factor.denominator,
        extra_s=terms.extra_s,
    )
    attempt.last_link = chain.seed(str(attempt.pk), paper.paper_hash)
    attempt.save(force_insert=True)
    AttemptEvent.objects.create(attempt=attempt, kind=AttemptEvent.Kind.STARTED, person=person, at=now)
    return attempt


@transaction.atomic
def open_device(attempt: Attempt, detail: dict[str, Any]) -> str:
    """A token with which this device may write; where the exam wants one device, every other one now may not.

    ``detail`` (address, device) is kept with the event. Raises AttemptOver.
    """
    moved = Attempt.objects.open().filter(pk=attempt.pk).update(epoch=F("epoch") + 1)
    if not moved:
        raise AttemptOver
    attempt.refresh_from_db(fields=["epoch"])
    AttemptEvent.objects.create(
        attempt=attempt, kind=AttemptEvent.Kind.OPENED, person_id=attempt.person_id, detail=detail
    )
    return signing.dumps([str(attempt.pk), attempt.epoch], salt=SALT, compress=False)


def read_token(token: str) -> Ticket | None:
    """What a token says, without asking the database; None for a forged or an old one."""
    try:
        attempt, epoch = signing.loads(token, salt=SALT, max_age=TOKEN_SECONDS)
        return Ticket(UUID(attempt), int(epoch))
    except (signing.BadSignature, ValueError, TypeError):
        return None


@transaction.atomic
def hand_in(attempt: Attempt) -> Attempt:
    """The attempt is submitted as of now, or of its deadline when that has passed; repeating changes nothing.

    Raises AttemptOver for one that was declared void.
    """
    held = Attempt.objects.select_for_update().get(pk=attempt.pk)
    now = timezone.now()
    late = held.deadline_at is not None and held.deadline_at <= now
    reason = EndReason.TIME_UP if late else EndReason.HANDED_IN
    if held.move(AttemptState.SUBMITTED, reason, ended_at=held.deadline_at if late else now):
        AttemptEvent.objects.create(
            attempt=held, kind=AttemptEvent.Kind.ENDED, person_id=held.person_id, detail={"reason": reason}
        )
        tasks.grade_after_commit([held.pk])
    elif held.state == AttemptState.VOIDED:
        raise AttemptOver
    return held
