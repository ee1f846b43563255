"""How long those who wait will wait, given when those who have a place will leave. Pure."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from labs.scheduling.amounts import Amount

FAR_S = 7 * 24 * 3600


@dataclass(frozen=True)
class Holding:
    """What somebody holds and will give back within ``left_s`` seconds."""

    amount: Amount
    left_s: int


@dataclass(frozen=True)
class Wanted:
    """What somebody waits for, and how long they will have it."""

    amount: Amount
    lasts_s: int


def waits_s(free: Amount, holdings: Iterable[Holding], queue: Iterable[Wanted]) -> list[int]:
    """For each of ``queue``, in its order, after how many seconds there is room for it; FAR_S when never.

    As the queue does it, nobody overtakes: whoever does not fit yet holds up all behind.
    """
    leaving = [(max(0, held.left_s), n, held.amount) for n, held in enumerate(holdings)]
    heapq.heapify(leaving)
    clock, serial, waits = 0, len(leaving), []
    for wanted in queue:
        while not wanted.amount.fits(free) and leaving:
            at, _n, amount = heapq.heappop(leaving)
            clock = max(clock, at)
            free += amount
        if not wanted.amount.fits(free):
            waits.append(FAR_S)
            continue
        waits.append(min(clock, FAR_S))
        free -= wanted.amount
        serial += 1
        heapq.heappush(leaving, (clock + wanted.lasts_s, serial, wanted.amount))
    return waits
