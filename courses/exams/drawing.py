"""Which questions a candidate gets, in which order, with which options and numbers: drawn from one seed, the same for ever.

A paper is drawn before anybody sits it and keeps all it needs; nothing is drawn again later. Order comes from hashes
and not from a generator of chance, whose sequence could differ between versions of a library.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from courses.exams.content import Matching, Multiple, Ordering, Single
from courses.exams.shapes import Question, canonical_hash


class PoolTooSmall(ValueError):
    """A section draws more questions than there are."""

    def __init__(self, section: str, wanted: int, there: int) -> None:
        super().__init__(f"{section} draws {wanted} questions and has {there}")
        self.section, self.wanted, self.there = section, wanted, there


@dataclass(frozen=True)
class Candidate:
    """A question version that may be drawn; ``question`` names the question of which it is a version."""

    version: int
    question: int
    content: Question
    content_hash: str


@dataclass(frozen=True)
class Draw:
    """``count`` of ``pool`` (every one of a fixed list when they are as many), each worth ``marks``."""

    pool: tuple[Candidate, ...]
    count: int
    marks: Decimal


@dataclass(frozen=True)
class Section:
    name: str
    draws: tuple[Draw, ...]
    shuffle: bool = False


@dataclass(frozen=True)
class Slot:
    """A place in a paper: a question version with everything that chance decided about it."""

    number: int
    section: str
    version: int
    content_hash: str
    seed: str
    order: tuple[str, ...]
    marks: Decimal

    def write(self) -> dict[str, Any]:
        """The slot as JSON values; ``read`` gives an equal one back."""
        return {**asdict(self), "order": list(self.order), "marks": str(self.marks)}

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> "Slot":
        return cls(**{**raw, "order": tuple(raw["order"]), "marks": Decimal(raw["marks"])})


def draw_paper(sections: Sequence[Section], seed: str) -> tuple[Slot, ...]:
    """The paper of ``seed``: no question is in it twice, whichever sections could draw it.

    Raises PoolTooSmall.
    """
    drawn = _drawn(sections, seed)
    slots: list[Slot] = []
    for section in sections:
        placed = [(candidate, one.marks) for one in section.draws for candidate in drawn[id(one)]]
        if section.shuffle:
            placed.sort(key=lambda pair: _lot(f"{seed}\0order", str(pair[0].version)))
        for candidate, marks in placed:
            own = _lot(seed, str(candidate.version))
            slots.append(
                Slot(
                    number=len(slots) + 1,
                    section=section.name,
                    version=candidate.version,
                    content_hash=candidate.content_hash,
                    seed=own,
                    order=option_order(candidate.content, own),
                    marks=marks,
                )
            )
    return tuple(slots)


def _drawn(sections: Sequence[Section], seed: str) -> dict[int, list[Candidate]]:
    """What each draw gets. Those with the least choice draw first, so that nobody takes what another cannot do without."""
    draws = [(section, one) for section in sections for one in section.draws]
    draws.sort(key=lambda pair: len({candidate.question for candidate in pair[1].pool}) - pair[1].count)
    taken: set[int] = set()
    drawn: dict[int, list[Candidate]] = {}
    for section, one in draws:
        free: dict[int, Candidate] = {}
        for candidate in one.pool:
            if candidate.question not in taken:
                free.setdefault(candidate.question, candidate)
        if len(free) < one.count:
            raise PoolTooSmall(section.name, one.count, len(free))
        chosen = set(sorted(free, key=lambda question: _lot(seed, str(question)))[: one.count])
        drawn[id(one)] = [candidate for question, candidate in free.items() if question in chosen]
        taken |= chosen
    return drawn


def option_order(question: Question, seed: str) -> tuple[str, ...]:
    """The ids of what is chosen among, matched to or put in order, as this candidate sees them; empty for other kinds.

    Things to put in order never come in the right one.
    """
    match question:
        case Single() | Multiple():
            ids = [option.id for option in question.options]
            return tuple(_shuffled(ids, seed) if question.shuffle else ids)
        case Matching():
            ids = [part.id for part in question.right]
            return tuple(_shuffled(ids, seed) if question.shuffle else ids)
        case Ordering():
            ids = [item.id for item in question.items]
            mixed = _shuffled(ids, seed)
            return tuple(mixed if mixed != ids else mixed[1:] + mixed[:1])
    return ()


def _shuffled(ids: list[str], seed: str) -> list[str]:
    return sorted(ids, key=lambda name: _lot(seed, name))


def _lot(seed: str, name: str) -> str:
    return hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()


def paper_hash(slots: Sequence[Slot]) -> str:
    """SHA-256 in hex over everything the paper says."""
    return canonical_hash(
        [
            [
                slot.number,
                slot.section,
                slot.version,
                slot.content_hash,
                slot.seed,
                list(slot.order),
                str(slot.marks),
            ]
            for slot in slots
        ]
    )
