"""What is held and promised over time, and how much of it at most at once. Pure."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from labs.scheduling.amounts import NOTHING, Amount


@dataclass(frozen=True)
class Span:
    """``amount`` is held, or promised to ``purpose``, from ``begins_at`` until just before ``ends_at``."""

    begins_at: datetime
    ends_at: datetime
    amount: Amount
    purpose: Hashable = None
    is_promise: bool = False


def peak(spans: Iterable[Span], begins_at: datetime, ends_at: datetime) -> Amount:
    """The most that ``spans`` take at once between the two moments, of processors and of memory."""
    overlapping = [span for span in spans if span.begins_at < ends_at and span.ends_at > begins_at]
    moments = {begins_at, *(span.begins_at for span in overlapping if span.begins_at > begins_at)}
    highest = NOTHING
    for moment in moments:
        at_once = (s.amount for s in overlapping if s.begins_at <= moment < s.ends_at)
        highest = highest.at_least(sum(at_once, NOTHING))
    return highest


def first_fit(
    need: Amount, whole: Amount, spans: Iterable[Span], begins_at: datetime, ends_at: datetime
) -> datetime | None:
    """When, at ``begins_at`` or later, there is first room for ``need`` as long as asked; None when never."""
    spans = list(spans)
    lasts = ends_at - begins_at
    for moment in sorted({begins_at, *(span.ends_at for span in spans if span.ends_at > begins_at)}):
        if need.fits(whole - peak(spans, moment, moment + lasts)):
            return moment
    return None


def without(spans: Iterable[Span], taken: Amount, purpose: Hashable) -> list[Span]:
    """``spans`` after ``taken`` was claimed of what is promised to ``purpose``."""
    return [
        replace(span, amount=(span.amount - taken).at_least(NOTHING))
        if span.is_promise and span.purpose == purpose
        else span
        for span in spans
    ]
