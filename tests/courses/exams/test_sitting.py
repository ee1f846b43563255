"""Who may sit when, beginning, devices, handing in."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from courses.exams import sitting
from courses.exams.refusals import (
    AttemptOver,
    MustWait,
    NoAttemptsLeft,
    NotAnnounced,
    NotInvited,
    NotOpenYet,
    WindowClosed,
)
from courses.exams.timing import void
from courses.models import Attempt, AttemptEvent, AttemptState, Audience, EndReason, ExamCandidate, TimeFactor
from tests.courses.exams.worlds import exam_world, moment

HOUR = timedelta(hours=1)


def test_beginning_starts_the_clock_and_beginning_again_gives_the_same_sitting(world):
    person = world.candidate()
    attempt = sitting.begin(world.exam, person)
    assert moment(attempt) - attempt.started_at == HOUR
    again = sitting.begin(world.exam, person)
    assert (again.pk, again.deadline_at) == (attempt.pk, attempt.deadline_at)
    assert Attempt.objects.count() == 1


def test_the_larger_of_a_persons_factors_and_the_extra_time_of_the_exam_are_granted(world):
    person = world.candidate()
    TimeFactor.objects.create(person=person, factor=Decimal("1.25"))
    ExamCandidate.objects.create(exam=world.exam, person=person, factor=Decimal("1.5"), extra_s=60)
    attempt = sitting.begin(world.exam, person)
    assert moment(attempt) - attempt.started_at == 1.5 * HOUR + timedelta(minutes=1)


def test_who_is_granted_more_time_may_begin_later(db):
    now = timezone.now()
    world = exam_world(opens_at=now - 3 * HOUR, closes_at=now - timedelta(minutes=5))
    person = world.candidate()
    with pytest.raises(WindowClosed):
        sitting.begin(world.exam, person)
    TimeFactor.objects.create(person=person, factor=Decimal("1.25"))
    assert moment(sitting.begin(world.exam, person)) == now + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"published_at": None}, NotAnnounced),
        ({"withdrawn_at": timezone.now()}, NotAnnounced),
        ({"audience": Audience.LISTED}, NotInvited),
        ({"audience": Audience.COURSE, "course_key": "00000000-0000-4000-8000-000000000000"}, NotInvited),
        ({"opens_at": timezone.now() + HOUR}, NotOpenYet),
        ({"closes_at": timezone.now() - HOUR}, WindowClosed),
    ],
)
def test_who_may_not_sit_it_is_told_why(db, terms, refusal):
    world = exam_world(**terms)
    with pytest.raises(refusal):
        sitting.begin(world.exam, world.candidate())
    assert not Attempt.objects.exists()


def test_attempts_are_counted_and_waited_between(db):
    world = exam_world(attempts_allowed=2, wait_s=3600)
    person = world.candidate()
    sitting.hand_in(world.attempt(person))
    with pytest.raises(MustWait):
        sitting.begin(world.exam, person)
    world.exam.wait_s = 0
    second = sitting.begin(world.exam, person)
    assert second.number == 2
    sitting.hand_in(second)
    with pytest.raises(NoAttemptsLeft):
        sitting.begin(world.exam, person)
    ExamCandidate.objects.create(exam=world.exam, person=person, more_attempts=1)
    assert sitting.begin(world.exam, person).number == 3


def test_a_token_lets_its_device_write_until_another_is_opened(world):
    attempt = world.attempt()
    first = sitting.read_token(sitting.open_device(attempt, {"address": "192.0.2.1"}))
    second = sitting.read_token(sitting.open_device(attempt, {"address": "192.0.2.2"}))
    attempt.refresh_from_db()
    assert first.attempt == second.attempt == attempt.pk
    assert first.epoch < second.epoch == attempt.epoch
    opened = AttemptEvent.objects.filter(kind=AttemptEvent.Kind.OPENED)
    assert [event.detail["address"] for event in opened] == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "é" * 10])
def test_a_forged_token_says_nothing(token):
    assert sitting.read_token(token) is None


def test_handing_in_ends_it_now_and_once(world):
    attempt = world.attempt()
    before = timezone.now()
    ended = sitting.hand_in(attempt)
    assert (ended.state, ended.reason) == (AttemptState.SUBMITTED, EndReason.HANDED_IN)
    assert before <= ended.ended_at <= timezone.now()
    assert sitting.hand_in(attempt).ended_at == ended.ended_at
    with pytest.raises(AttemptOver):
        sitting.open_device(attempt, {})


def test_handing_in_after_the_deadline_ends_it_at_the_deadline(world):
    attempt = world.attempt()
    due_at = timezone.now() - timedelta(seconds=1)
    Attempt.objects.update(deadline_at=due_at)
    ended = sitting.hand_in(attempt)
    assert (ended.reason, ended.ended_at) == (EndReason.TIME_UP, due_at)


def test_a_void_attempt_is_not_handed_in(world):
    attempt = world.attempt()
    void(attempt.pk, world.candidate(), "somebody else sat it")
    with pytest.raises(AttemptOver):
        sitting.hand_in(attempt)
