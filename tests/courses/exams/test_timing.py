"""What is done to running clocks: extra time, pauses, outages; each with an event, none twice."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from courses.exams import timing
from courses.exams.refusals import AttemptOver, ClockRuns, ClockStands
from courses.exams.sitting import hand_in
from courses.models import Attempt, AttemptEvent, AttemptState, AttemptStop
from tests.courses.exams.worlds import moment

MINUTE = timedelta(minutes=1)


@pytest.fixture
def attempt(world) -> Attempt:
    return world.attempt()


@pytest.fixture
def invigilator(world):
    return world.candidate()


def kinds(attempt: Attempt) -> list[str]:
    return list(attempt.events.values_list("kind", flat=True))[1:]


def test_extra_time_moves_the_deadline_of_a_running_attempt(attempt, invigilator):
    before = moment(attempt)
    after = timing.grant(attempt.pk, invigilator, extra_s=600)
    assert moment(after) == before + 10 * MINUTE
    assert moment(timing.grant(attempt.pk, invigilator, factor=Decimal("1.5"))) == before + 40 * MINUTE
    assert kinds(attempt) == ["time_granted", "time_granted"]


def test_a_pause_takes_the_deadline_away_and_resuming_gives_back_what_was_left(attempt, invigilator):
    before = moment(attempt)
    assert timing.pause(attempt.pk, invigilator, "fire alarm").deadline_at is None
    AttemptStop.objects.update(began_at=timezone.now() - 20 * MINUTE)
    AttemptStop.objects.filter(began_at__lt=attempt.started_at).update(began_at=attempt.started_at)
    after = timing.resume(attempt.pk, invigilator)
    stop = after.stops.get()
    assert moment(after) == before + (stop.ended_at - stop.began_at)
    assert after.paused_at is None
    assert kinds(attempt) == ["paused", "resumed"]


def test_what_stands_cannot_be_paused_again_and_what_runs_not_resumed(attempt, invigilator):
    with pytest.raises(ClockRuns):
        timing.resume(attempt.pk, invigilator)
    timing.pause(attempt.pk, invigilator, "")
    with pytest.raises(ClockStands):
        timing.pause(attempt.pk, invigilator, "")
    assert kinds(attempt) == ["paused"]


def test_an_attempt_that_has_ended_gets_no_time_and_no_pause(attempt, invigilator):
    hand_in(attempt)
    for verb in (
        lambda: timing.grant(attempt.pk, invigilator, extra_s=600),
        lambda: timing.pause(attempt.pk, invigilator, ""),
        lambda: timing.resume(attempt.pk, invigilator),
    ):
        with pytest.raises(AttemptOver):
            verb()


def test_an_attempt_whose_time_is_up_cannot_be_paused_back_to_life(attempt, invigilator):
    Attempt.objects.update(deadline_at=timezone.now() - timedelta(microseconds=1))
    with pytest.raises(AttemptOver):
        timing.pause(attempt.pk, invigilator, "")


def test_an_outage_is_given_back_once_to_whoever_sat_through_it(world, attempt):
    began, ended = attempt.started_at + 5 * MINUTE, attempt.started_at + 8 * MINUTE
    ended_before = world.attempt()
    hand_in(ended_before)
    before = moment(attempt)
    assert timing.give_back(began, ended) == 1
    assert timing.give_back(began, ended) == 0
    attempt.refresh_from_db()
    assert moment(attempt) == before + 3 * MINUTE
    event = attempt.events.get(kind=AttemptEvent.Kind.OUTAGE)
    assert event.detail["gained_s"] == 180


def test_an_outage_during_a_pause_gives_the_time_back_once(attempt, invigilator):
    before = moment(attempt)
    timing.pause(attempt.pk, invigilator, "")
    stop = attempt.stops.get()
    timing.give_back(stop.began_at, stop.began_at + timedelta(microseconds=1))
    after = timing.resume(attempt.pk, invigilator)
    pause = after.stops.get(cause="pause")
    assert moment(after) - before == max(pause.ended_at - pause.began_at, timedelta(microseconds=1))


@pytest.mark.parametrize("ended", [True, False])
def test_a_void_attempt_counts_for_nothing_whatever_it_was(attempt, invigilator, ended: bool):
    if ended:
        hand_in(attempt)
    for _twice in range(2):
        assert timing.void(attempt.pk, invigilator, "somebody else sat it").state == AttemptState.VOIDED
    assert kinds(attempt).count("voided") == 1
