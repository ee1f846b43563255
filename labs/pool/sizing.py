"""How many sandboxes of one set should be ready. Pure."""

import math
from dataclasses import dataclass

# The starts of the last LOOK_BACK_S say how many to expect while new sandboxes are made.
LOOK_BACK_S = 600
LOOK_AHEAD_S = 60


@dataclass(frozen=True)
class Limits:
    """What an operator allows a set."""

    minimum: int = 0
    reserve: int = 1
    ceiling: int = 4


def wanted(limits: Limits, *, starts: int, booked: int = 0) -> int:
    """So many should be ready, after ``starts`` within LOOK_BACK_S and with ``booked`` seats about to be taken.

    A booked seat was promised, so the ceiling does not hold for it.
    """
    expected = math.ceil(starts * LOOK_AHEAD_S / LOOK_BACK_S)
    warm = expected + limits.reserve if starts else 0
    return max(booked, min(limits.ceiling, max(limits.minimum, warm)))
