"""Clause numbers, computed from order and level alone, so that moving a clause renumbers everything and breaks no link."""

from collections.abc import Sequence

DEEPEST = 4


def numbers(levels: Sequence[int]) -> list[str]:
    """``1``, ``1.1``, ``1.2``, ``2`` … for clauses at ``levels``; a skipped level counts as its first."""
    counters: list[int] = []
    found = []
    for level in levels:
        del counters[level:]
        while len(counters) < level - 1:
            counters.append(1)
        if len(counters) < level:
            counters.append(0)
        counters[level - 1] += 1
        found.append(".".join(map(str, counters)))
    return found


def misplaced(levels: Sequence[int]) -> list[int]:
    """Positions whose level is more than one below the clause before (the first must be at level 1)."""
    return [index for index, level in enumerate(levels) if level > (levels[index - 1] if index else 0) + 1]
