"""A rush on a full host: who runs, who waits, and how long each start takes to be decided beside inserting its rows."""

from collections.abc import Iterator

from bench.apart import apart
from bench.figures import Figure, percentile
from bench.world import World

STARTS = 100
SEATS = 20


def measure(world: World) -> Iterator[Figure]:
    found = apart(world, "rush", starts=STARTS, seats=SEATS)
    wrong = abs(found["running"] - SEATS) + abs(found["waiting"] - (STARTS - SEATS)) + (not found["in_order"])
    rush = f"{STARTS} starts at capacity {SEATS}"
    yield Figure(f"{rush}: seats and places given wrongly", wrong, at_most=0)
    decided, plain = found["decided"], found["plain"]
    yield Figure(f"{rush}: decision, p50 ms", percentile(decided, 50), percentile(plain, 50))
    yield Figure(f"{rush}: decision, p99 ms", percentile(decided, 99), percentile(plain, 99))
    yield Figure(f"{rush}: decisions per s", 1000 * STARTS / sum(decided), 1000 * STARTS / sum(plain))
