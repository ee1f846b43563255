"""Answers chained by hash, so that a candidate can show later what was received, in which order, and that nothing is missing.

Each link is SHA-256 over the link before it and the event's own canonical JSON. The last link is the receipt.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from courses.exams.shapes import canonical_hash


@dataclass(frozen=True)
class Saved:
    """One received change: ``sequence`` numbers the changes of a slot from 1, ``answer`` is what was answered since."""

    slot: int
    sequence: int
    answer: Any
    received_at: datetime


def seed(attempt: str, paper_hash: str) -> str:
    """The link before the first: it ties the chain to one sitting of one paper."""
    return canonical_hash({"attempt": attempt, "paper": paper_hash})


def link(before: str, saved: Saved) -> str:
    """The link that ``saved`` adds after ``before``."""
    at = saved.received_at.astimezone(UTC).isoformat(timespec="microseconds")
    return canonical_hash(
        {"after": before, "slot": saved.slot, "sequence": saved.sequence, "answer": saved.answer, "at": at}
    )


def last_link(first: str, events: Iterable[Saved]) -> str:
    """The receipt of ``events`` in the order in which they were received."""
    reached = first
    for saved in events:
        reached = link(reached, saved)
    return reached


def broken_at(first: str, events: Iterable[tuple[Saved, str]]) -> int | None:
    """Which event (from 0) does not follow from those before it; None when the whole chain holds."""
    reached = first
    for place, (saved, told) in enumerate(events):
        reached = link(reached, saved)
        if reached != told:
            return place
    return None
