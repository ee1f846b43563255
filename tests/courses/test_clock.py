"""When a sitting ends: granted time is kept to the microsecond, whatever stops the clock and in whichever order."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.exams.clock import Stop, Terms, deadline, merged, ran, remaining

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def at(number: float) -> datetime:
    return START + minutes(number)


def stop(began: float, ended: float | None = None) -> Stop:
    return Stop(at(began), None if ended is None else at(ended))


HOUR = Terms(limit_s=3600)
stops = st.lists(
    st.tuples(st.integers(-30, 200), st.integers(0, 60)).map(lambda pair: stop(pair[0], sum(pair))),
    max_size=8,
)
terms = st.builds(
    Terms,
    limit_s=st.integers(1, 7200),
    closes_at=st.none() | st.integers(-10, 300).map(at),
    factor=st.sampled_from([Fraction(1), Fraction(5, 4), Fraction(4, 3), Fraction(2)]),
    extra_s=st.integers(0, 3600),
)


@pytest.mark.parametrize(
    ("granted", "stopped", "ends"),
    [
        (HOUR, [], 60),
        (Terms(limit_s=3600, factor=Fraction(5, 4)), [], 75),
        (Terms(limit_s=3600, extra_s=600), [], 70),
        (Terms(limit_s=3600, closes_at=at(45)), [], 45),
        (Terms(limit_s=3600, closes_at=at(45), factor=Fraction(5, 4)), [], 60),
        (Terms(limit_s=3600, closes_at=at(45), extra_s=600), [], 55),
        (Terms(closes_at=at(45)), [], 45),
        (HOUR, [stop(10, 20)], 70),
        (HOUR, [stop(10, 20), stop(15, 30)], 80),
        (HOUR, [stop(10, 20), stop(65, 75)], 80),
        (HOUR, [stop(60, 90)], 60),
        (HOUR, [stop(61, 90)], 60),
        (HOUR, [stop(-20, 5)], 65),
        (Terms(limit_s=3600, closes_at=at(45)), [stop(40, 50)], 55),
    ],
)
def test_the_deadline_is_when_the_time_that_ran_reaches_what_was_granted(
    granted: Terms, stopped: list, ends: float
):
    assert deadline(START, granted, stopped) == at(ends)


def test_without_a_limit_and_a_window_nothing_ends_a_sitting():
    assert deadline(START, Terms()) is None
    assert remaining(START, Terms(), (), at(999)) is None


def test_nobody_knows_the_deadline_while_the_clock_stands_and_what_is_left_does_not_shrink():
    assert deadline(START, HOUR, [stop(10)]) is None
    assert remaining(START, HOUR, [stop(10)], at(500)) == minutes(50)


def test_a_pause_that_began_after_the_end_revives_nothing():
    assert deadline(START, HOUR, [stop(60)]) == at(60)


def test_a_window_that_closed_before_the_start_leaves_no_time():
    assert deadline(START, Terms(limit_s=3600, closes_at=at(-5))) == START
    assert Terms(limit_s=3600, closes_at=at(-5), extra_s=600).last_start() == at(5)


@given(terms, stops, st.permutations(range(8)))
def test_order_overlap_and_repetition_of_stops_change_nothing(
    granted: Terms, stopped: list[Stop], order: list[int]
):
    mixed = [stopped[place] for place in order if place < len(stopped)]
    expected = deadline(START, granted, stopped)
    assert deadline(START, granted, mixed) == expected
    assert deadline(START, granted, [*mixed, *stopped]) == expected
    assert deadline(START, granted, merged(stopped)) == expected


@given(terms, stops)
def test_exactly_the_granted_time_has_run_at_the_deadline_and_then_nothing_is_left(
    granted: Terms, stopped: list[Stop]
):
    ends_at = deadline(START, granted, stopped)
    assert ends_at is not None
    before = [stop for stop in stopped if stop.began_at < ends_at]
    assert ran(START, before, ends_at) == granted.granted(START)
    assert remaining(START, granted, before, ends_at) == timedelta(0)
    if ends_at > START:
        moment = ends_at - timedelta(microseconds=1)
        assert remaining(START, granted, before, moment) == timedelta(microseconds=1)


@given(terms, stops, st.integers(-30, 200), st.integers(0, 60))
def test_another_stop_never_takes_time_away(granted: Terms, stopped: list[Stop], began: int, length: int):
    plain, more = (
        deadline(START, granted, stopped),
        deadline(START, granted, [*stopped, stop(began, began + length)]),
    )
    assert plain is not None
    assert more is not None
    assert plain <= more
    if all(one.began_at < plain for one in stopped):
        assert more <= plain + minutes(length)


@given(terms, stops, st.integers(1, 600))
def test_extra_time_never_moves_the_deadline_back(granted: Terms, stopped: list[Stop], more_s: int):
    richer = Terms(granted.limit_s, granted.closes_at, granted.factor, granted.extra_s + more_s)
    first, second = deadline(START, granted, stopped), deadline(START, richer, stopped)
    assert first is not None
    assert second is not None
    assert second >= first
