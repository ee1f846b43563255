"""One clock per sitting, on the server: when it ends is computed from what was granted, whoever looks and whenever.

Time runs from the start and stands still while the sitting is paused or the service was down. The deadline is the
moment at which the time that ran reaches the time that was granted; a stop after that moment gives nothing back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

NO_TIME = timedelta(0)


@dataclass(frozen=True)
class Stop:
    """The clock stands from ``began_at`` to ``ended_at``; None while it still does."""

    began_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Terms:
    """What a person is granted for one exam.

    ``limit_s`` is the exam's own time, None for no limit; ``factor`` multiplies it (1.25 for a quarter more) and
    ``extra_s`` is added. ``closes_at`` ends the exam's window for everybody; whatever a person is granted beyond the
    exam's own time moves it for them.
    """

    limit_s: int | None = None
    closes_at: datetime | None = None
    factor: Fraction = Fraction(1)
    extra_s: int = 0

    def granted(self, started_at: datetime) -> timedelta | None:
        """How long the clock may run from ``started_at``; None without end."""
        bounds = []
        if self.limit_s is not None:
            bounds.append(_seconds(self.limit_s * self.factor + self.extra_s))
        if self.closes_at is not None:
            bounds.append(self.closes_at - started_at + self.beyond)
        return max(NO_TIME, min(bounds)) if bounds else None

    @property
    def beyond(self) -> timedelta:
        """What a person is granted beyond the exam's own time."""
        return _seconds((self.limit_s or 0) * (self.factor - 1) + self.extra_s)

    def last_start(self) -> datetime | None:
        """When a sitting may begin at the latest; None for ever."""
        return None if self.closes_at is None else self.closes_at + self.beyond


def _seconds(value: Fraction | int) -> timedelta:
    """Exact to the microsecond, rounded up: nobody loses time to a fraction."""
    return timedelta(microseconds=-(-value * 1_000_000 // 1))


def merged(stops: Iterable[Stop]) -> list[Stop]:
    """The same standing time without overlaps, in order: a pause during an outage counts once."""
    joined: list[Stop] = []
    for stop in sorted(stops, key=lambda stop: stop.began_at):
        last = joined[-1] if joined else None
        if last is None or (last.ended_at is not None and stop.began_at > last.ended_at):
            joined.append(stop)
        elif last.ended_at is not None:
            ended = None if stop.ended_at is None else max(last.ended_at, stop.ended_at)
            joined[-1] = Stop(last.began_at, ended)
    return joined


def deadline(started_at: datetime, terms: Terms, stops: Sequence[Stop] = ()) -> datetime | None:
    """When the sitting ends; None when nothing ends it, or when its clock stands and nobody knows until when."""
    granted = terms.granted(started_at)
    if granted is None:
        return None
    ends_at = started_at + granted
    for stop in merged(stops):
        if stop.ended_at is None:
            return ends_at if stop.began_at >= ends_at else None
        began = max(stop.began_at, started_at)
        if began >= ends_at:
            break
        ends_at += max(NO_TIME, stop.ended_at - began)
    return ends_at


def remaining(started_at: datetime, terms: Terms, stops: Sequence[Stop], now: datetime) -> timedelta | None:
    """What is left of the time at ``now``, never below zero; it does not shrink while the clock stands. None without end."""
    granted = terms.granted(started_at)
    if granted is None:
        return None
    return max(NO_TIME, granted - ran(started_at, stops, now))


def ran(started_at: datetime, stops: Sequence[Stop], now: datetime) -> timedelta:
    """How long the clock ran from ``started_at`` until ``now``."""
    if now <= started_at:
        return NO_TIME
    stood = NO_TIME
    for stop in merged(stops):
        began, ended = max(stop.began_at, started_at), min(stop.ended_at or now, now)
        stood += max(NO_TIME, ended - began)
    return now - started_at - stood
