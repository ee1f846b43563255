"""Sandboxes at the driver's seam, and what they cost the host."""

import ipaddress
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.world import World
from labs.drivers.base import NodeSpec, SandboxSpec, SubnetTaken


@contextmanager
def sandbox(world: World, *names: str) -> Iterator[SandboxSpec]:
    """A sandbox with these nodes, gone afterwards."""
    while True:
        subnet = world.subnet()
        hosts = ipaddress.ip_network(subnet)
        nodes = tuple(
            NodeSpec(name, "base", str(hosts[2 + n]), memory_mib=128) for n, name in enumerate(names)
        )
        ref = f"b{random.randrange(2**32):08x}"
        spec = SandboxSpec(ref, random.randrange(500_000, 900_000, 2), subnet, nodes)
        try:
            world.driver.create(spec)
        except SubnetTaken:
            continue
        break
    try:
        yield spec
    finally:
        world.driver.destroy(spec.ref)


def proportional_bytes(pids: Iterable[int]) -> int:
    """Memory of the processes; what several share is divided among them."""
    total = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024
    return total


def family(pid: int) -> list[int]:
    """The process and everything below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]
