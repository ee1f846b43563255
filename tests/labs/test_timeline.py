"""What is held and promised over time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from labs.scheduling.amounts import NOTHING, Amount
from labs.scheduling.timeline import Span, first_fit, peak

DAY = datetime(2026, 11, 28, tzinfo=UTC)
SEAT = Amount(500, 128)


def at(minute: int) -> datetime:
    return DAY + timedelta(minutes=minute)


def span(begins: int, ends: int, seats: int = 1) -> Span:
    return Span(at(begins), at(ends), SEAT * seats)


def test_one_after_the_other_never_add_up():
    assert peak([span(0, 60, 3), span(60, 120, 4)], at(0), at(120)) == SEAT * 4


def test_what_overlaps_adds_up_where_it_overlaps():
    spans = [span(0, 60, 3), span(30, 90, 4), span(200, 300, 9)]
    assert peak(spans, at(0), at(120)) == SEAT * 7
    assert peak(spans, at(60), at(120)) == SEAT * 4


def test_the_first_fit_is_when_enough_have_left():
    spans = [span(0, 60, 3), span(0, 90, 3)]
    assert first_fit(SEAT * 2, SEAT * 6, spans, at(0), at(30)) == at(60)
    assert first_fit(SEAT * 5, SEAT * 6, spans, at(0), at(30)) == at(90)
    assert first_fit(SEAT * 7, SEAT * 6, spans, at(0), at(30)) is None


def test_a_gap_that_is_too_short_is_passed_over():
    assert first_fit(SEAT, SEAT, [span(0, 10), span(30, 60)], at(0), at(30)) == at(60)


windows = st.tuples(st.integers(0, 100), st.integers(1, 50), st.integers(1, 4)).map(
    lambda w: span(w[0], w[0] + w[1], w[2])
)


@given(st.lists(windows, max_size=8), st.integers(0, 100), st.integers(1, 50))
def test_the_peak_is_what_looking_at_every_minute_finds(spans, begins, lasts):
    every_minute = [
        sum((s.amount for s in spans if s.begins_at <= at(m) < s.ends_at), NOTHING)
        for m in range(begins, begins + lasts)
    ]
    assert peak(spans, at(begins), at(begins + lasts)).millicpus == max(a.millicpus for a in every_minute)


@given(st.lists(windows, max_size=6), st.integers(0, 60), st.integers(1, 40), st.integers(1, 6))
def test_the_first_fit_fits_and_nothing_earlier_does(spans, begins, lasts, seats):
    whole, need = SEAT * 5, SEAT * seats
    found = first_fit(need, whole, spans, at(begins), at(begins + lasts))
    minutes = [m for m in range(begins, 200) if need.fits(whole - peak(spans, at(m), at(m + lasts)))]
    assert found == (at(minutes[0]) if minutes else None)
