"""One device in one attempt: which questions its answers must fit, and how the attempt stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from courses.exams.answers import AnswerRefused, read_answer
from courses.exams.clock import remaining
from courses.exams.papers import content_of
from courses.exams.shapes import Question
from courses.exams.sitting import Ticket
from courses.models import Attempt, AttemptState


def standing(attempt: Attempt, now: datetime | None = None) -> dict[str, Any]:
    """How the attempt stands, as its page is told: state, deadline and what is left in milliseconds (None for no end)."""
    now = now or timezone.now()
    stops = [stop.span for stop in attempt.stops.all()]
    left = remaining(attempt.started_at, attempt.terms, stops, attempt.ended_at or now)
    return {
        "type": "standing",
        "state": attempt.state,
        "paused": attempt.paused_at is not None,
        "deadline": attempt.deadline_at.isoformat() if attempt.deadline_at else None,
        "left_ms": None if left is None else int(left.total_seconds() * 1000),
        "now": now.isoformat(),
        "count": attempt.saved_count,
        "link": attempt.last_link,
        "heads": {slot: head[0] for slot, head in attempt.heads.items()},
    }


@dataclass(frozen=True, slots=True)
class Desk:
    """``versions`` by slot (the questions themselves are held once per process); ``begun`` is how it stood then."""

    attempt: UUID
    epoch: int
    versions: Mapping[int, tuple[int, str]]
    begun: dict[str, Any]

    def question(self, slot: int) -> Question:
        return content_of(*self.versions[slot])

    def place(self, message: Mapping[str, Any]) -> tuple[int, int]:
        """Slot and sequence of a change. Raises AnswerRefused."""
        slot, sequence = message.get("slot"), message.get("sequence")
        if type(slot) is not int or type(sequence) is not int or not 1 <= sequence < 2**31:
            raise AnswerRefused("a change names its slot and its sequence")
        if slot not in self.versions:
            raise AnswerRefused("the paper has no such question")
        return slot, sequence

    def checked(self, slot: int, raw: Any) -> Any:
        """``raw`` as it is kept: fitting its question; None where nothing is answered. Raises AnswerRefused."""
        answer = read_answer(self.question(slot), raw)
        return None if answer is None else answer.model_dump(mode="json")


def open_desk(ticket: Ticket) -> Desk | None:
    """The desk of a device that may write, with every question of its paper read; None when another was opened since.

    An attempt that ended has a desk too: its page is told so.
    """
    attempt = Attempt.objects.select_related("paper").filter(pk=ticket.attempt).first()
    if attempt is None or (attempt.state == AttemptState.OPEN and attempt.epoch != ticket.epoch):
        return None
    versions = {slot["number"]: (slot["version"], slot["content_hash"]) for slot in attempt.paper.slots}
    for pinned in versions.values():
        content_of(*pinned)
    return Desk(attempt.pk, ticket.epoch, versions, standing(attempt))
