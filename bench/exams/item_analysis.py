"""All figures of an exam's marks, on one core: from marks in memory, and from their file.

Processor time, which is the clock's on a core that nobody else uses: one thread computes and waits for nothing.
"""

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures import Figure, percentile
from bench.world import World
from courses.exams import mark_tables
from courses.exams.item_analysis import analyse

ATTEMPTS, SLOTS = 2_000, 100
AT_MOST_S = 2.0


def measure(world: World) -> Iterator[Figure]:
    content = marks_of(random.Random(2026))
    from_memory, from_file = [], []
    with one_core():
        for _ in range(world.times(10)):
            began = time.process_time()
            table = mark_tables.read(content)
            read = time.process_time()
            analyse(table)
            done = time.process_time()
            from_memory.append(done - read)
            from_file.append(done - began)
    size = f"{ATTEMPTS:,} x {SLOTS} answers"
    yield Figure(f"item analysis of {size}, p50 processor s", percentile(from_memory, 50), at_most=AT_MOST_S)
    yield Figure(
        f"item analysis of {size} from a file, p50 processor s", percentile(from_file, 50), at_most=AT_MOST_S
    )


def marks_of(chance: random.Random) -> bytes:
    """Candidates of different strength, slots of one to three marks, given in hundredths."""
    lines = [",".join(mark_tables.COLUMNS)]
    for attempt in range(1, ATTEMPTS + 1):
        strength = chance.gauss(0.6, 0.15)
        for slot in range(1, SLOTS + 1):
            most = 1 + slot % 3
            mark = most * min(1, max(0, chance.gauss(strength, 0.4)))
            lines.append(f"{attempt},{slot},{most},{mark:.2f}")
    return "\n".join(lines).encode()


@contextmanager
def one_core() -> Iterator[None]:
    """This process has one processor meanwhile."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
