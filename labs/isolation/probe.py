"""A probe: one attack, what must come of it, and which measures alone hold it off. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Who(StrEnum):
    """Whose hands the attack is in; OUTSIDE asks the engine what it granted instead of trying."""

    LEARNER = "learner"
    CHECKER = "checker"
    OUTSIDE = "outside"
    TERMINAL = "terminal"


class Verdict(StrEnum):
    """HELD: the attack failed as it must. BROKEN: it worked. UNCLEAR: it neither worked nor failed as expected."""

    HELD = "held"
    BROKEN = "broken"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Probe:
    """``script`` runs in /bin/sh after labs.isolation.prelude and holds when it reaches its end.

    With a ``witness``, ``script`` is a flood that goes on; the witness runs in the neighbour meanwhile and its word
    counts, and ``clean`` ends the flood. ``granted`` are the engine's own words, for OUTSIDE. ``guards`` are the
    measures (names of tests/drivers/measures.py) of which each, removed alone, makes this probe fail.
    """

    key: str
    says: str
    script: str = ""
    who: Who = Who.LEARNER
    guards: frozenset[str] = frozenset()
    witness: str = ""
    clean: str = ""
    granted: Mapping[str, str] = field(default_factory=dict)
    patience_s: int = 12


@dataclass(frozen=True)
class Area:
    """Probes of one kind. ``together`` may run in one go; floods run one after another."""

    key: str
    probes: tuple[Probe, ...]
    together: int = 12


@dataclass(frozen=True)
class Outcome:
    area: str
    key: str
    verdict: Verdict
    detail: str = ""

    @property
    def holds(self) -> bool:
        return self.verdict is Verdict.HELD


def guarded(*measures: str) -> frozenset[str]:
    return frozenset(measures)
