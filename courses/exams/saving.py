"""Answers are kept: many at once in one transaction, each numbered, chained and never twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction

from courses.exams import chain
from courses.exams.shapes import canonical_hash
from courses.models import AnswerEvent, Attempt, AttemptState

WRITTEN = ("saved_count", "last_link", "heads")
READ = ("state", "epoch", "deadline_at", "paused_at", *WRITTEN)
# Hex digits kept of an answer's hash, to tell a change that is sent again from another one with its number.
DIGEST = 16


class Outcome(StrEnum):
    """What became of a change that a browser sent."""

    SAVED = "saved"
    # This very change was kept before; its first acknowledgement was lost on the way.
    KEPT_ALREADY = "kept_already"
    # A later change of the same answer is kept; this one arrived after it.
    STALE = "stale"
    # Another device was opened since.
    ELSEWHERE = "elsewhere"
    # The attempt had ended when the change arrived.
    OVER = "over"
    PAUSED = "paused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Change:
    """An answer as a browser sent it: ``sequence`` counts the changes of its slot from 1; None takes the answer back."""

    attempt: UUID
    epoch: int
    slot: int
    sequence: int
    answer: Any
    received_at: datetime


@dataclass(frozen=True)
class Saving:
    """What became of a change; after SAVED ``count`` changes are kept and ``link`` is the receipt so far."""

    outcome: Outcome
    count: int = 0
    link: str = ""
    # The highest number that is kept of the slot; a page goes on from there.
    reached: int = 0


def save(changes: Sequence[Change]) -> list[Saving]:
    """Every change is kept or has its reason why not, in the order given, and the transaction is committed.

    A change counts by when it was received, not by when this runs. Raises DatabaseError, after which none is kept.
    """
    with transaction.atomic(durable=True):
        held = Attempt.objects.select_for_update().filter(pk__in={change.attempt for change in changes})
        attempts = {attempt.pk: attempt for attempt in held.order_by("pk").only(*READ)}
        events: list[AnswerEvent] = []
        outcomes = [taken(change, attempts.get(change.attempt), events) for change in changes]
        if events:
            AnswerEvent.objects.bulk_create(events)
            touched = {event.attempt_id for event in events}
            Attempt.objects.bulk_update([attempts[pk] for pk in sorted(touched)], WRITTEN)
    return outcomes


def taken(change: Change, attempt: Attempt | None, events: list[AnswerEvent]) -> Saving:
    """``change`` is added to ``events`` and to its attempt, or has its reason why not."""
    if attempt is None:
        return Saving(Outcome.UNKNOWN)
    if change.epoch != attempt.epoch:
        return Saving(Outcome.ELSEWHERE)
    digest = canonical_hash(change.answer)[:DIGEST]
    reached, kept = attempt.heads.get(str(change.slot), (0, ""))
    if change.sequence <= reached:
        same = change.sequence == reached and digest == kept
        outcome = Outcome.KEPT_ALREADY if same else Outcome.STALE
        return Saving(outcome, attempt.saved_count, attempt.last_link, reached)
    late = attempt.deadline_at is not None and change.received_at > attempt.deadline_at
    if attempt.state != AttemptState.OPEN or late:
        return Saving(Outcome.OVER)
    if attempt.paused_at is not None and change.received_at > attempt.paused_at:
        return Saving(Outcome.PAUSED)
    attempt.saved_count += 1
    attempt.last_link = chain.link(
        attempt.last_link, chain.Saved(change.slot, change.sequence, change.answer, change.received_at)
    )
    attempt.heads[str(change.slot)] = (change.sequence, digest)
    events.append(
        AnswerEvent(
            attempt=attempt,
            place=attempt.saved_count,
            slot=change.slot,
            sequence=change.sequence,
            answer=change.answer,
            received_at=change.received_at,
            link=attempt.last_link,
        )
    )
    return Saving(Outcome.SAVED, attempt.saved_count, attempt.last_link, change.sequence)
