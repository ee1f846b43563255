"""A learner's work beside 16 neighbours that do nothing but use up their processors, and the same work alone."""

import os
import statistics
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from bench.figures import Figure
from bench.world import World
from labs.drivers.base import NodeSpec, SandboxSpec, SubnetTaken

HOGS = 16
LEARNER = 330_000
# About a tenth of a second of one processor.
WORK = "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done"
HOG = "(while :; do :; done) >/dev/null 2>&1 &"
SETTLE_S = 2.0


def measure(world: World) -> Iterator[Figure]:
    """All have the same quota, and together what the machine has."""
    quota = round(0.9 * (os.cpu_count() or 1) / (HOGS + 1), 3)
    refs: list[str] = []
    try:
        mine = _made(world, refs, quota)
        alone = _works(world, mine)
        with ThreadPoolExecutor(4) as crowd:
            list(crowd.map(lambda _n: _hog(world, refs, quota), range(HOGS)))
        time.sleep(SETTLE_S)
        beside = _works(world, mine)
    finally:
        with ThreadPoolExecutor(4) as crowd:
            list(crowd.map(world.driver.destroy, refs))
    yield Figure(f"a learner's work beside {HOGS} hogs, p50 ms", beside, alone, at_most=1.2)


def _hog(world: World, refs: list[str], cpus: float) -> None:
    spec = _made(world, refs, cpus)
    world.driver.run(spec.ref, "node1", HOG, uid=spec.uid, gid=spec.uid, timeout_s=30)


def _made(world: World, refs: list[str], cpus: float) -> SandboxSpec:
    ref = f"b{uuid.uuid4().hex[:12]}"
    refs.append(ref)
    while True:
        subnet = world.subnet()
        stem, last = subnet.removesuffix("/28").rsplit(".", 1)
        node = NodeSpec("node1", "base", f"{stem}.{int(last) + 2}", cpus, 64, 64, home_mib=16)
        spec = SandboxSpec(ref, LEARNER, subnet, (node,))
        try:
            world.driver.create(spec)
        except SubnetTaken:
            continue
        return spec


def _works(world: World, spec: SandboxSpec) -> float:
    """How long the work takes, in milliseconds; the first turn fills caches."""
    took = []
    for turn in range(world.times(5) + 1):
        began = time.perf_counter()
        world.driver.run(spec.ref, "node1", WORK, uid=spec.uid, gid=spec.uid, timeout_s=120)
        if turn:
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)
