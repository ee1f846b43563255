"""What idle terminals and sandboxes hold of the host's memory, by proportional share, and a frozen one of its processor."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.figures import Figure
from bench.raw import PROMPT
from bench.sandboxes import family, proportional_bytes, sandbox
from bench.world import World
from labs.drivers.base import Output, SandboxSpec
from labs.drivers.docker.names import container_name

GB = 1e9
TERMINALS = 8
SANDBOXES = 10
FROZEN_S = 2.0


def measure(world: World) -> Iterator[Figure]:
    with ExitStack() as made:
        specs = [made.enter_context(sandbox(world, "node")) for _ in range(world.times(SANDBOXES))]
        asyncio.run(open_terminals(world, specs[0], 1))
        bare = proportional_bytes(family(keeper_of(world, specs[0])))
        asyncio.run(open_terminals(world, specs[0], TERMINALS))
        full = proportional_bytes(family(keeper_of(world, specs[0])))
        yield Figure("idle terminals per GB", GB * (TERMINALS - 1) / (full - bare), at_least=1000)
        # Each node is its keeper and the engine's shim above it.
        pids = [pid for spec in specs for pid in (keeper_of(world, spec), shim_of(world, spec))]
        each = proportional_bytes(pids) / len(specs)
        yield Figure("idle sandboxes per GB", GB / each, at_least=200)
        world.driver.suspend(specs[-1].ref)
        before = world.driver.usage(specs[-1].ref)["node"].cpu_ns
        time.sleep(FROZEN_S)
        used = world.driver.usage(specs[-1].ref)["node"].cpu_ns - before
        world.driver.resume(specs[-1].ref)
        yield Figure(f"processor time of a frozen sandbox in {FROZEN_S:g} s, ms", used / 1e6, at_most=0)


async def open_terminals(world: World, spec: SandboxSpec, count: int) -> None:
    """The first ``count`` terminals of the node have shown their prompt; nobody looks any more."""
    for number in range(1, count + 1):
        terminal = await world.driver.attach(spec.ref, "node", number, offset=0)
        seen = b""
        async for event in terminal:
            seen += event.data if isinstance(event, Output) else b""
            if PROMPT in seen:
                break
        await terminal.close()


def keeper_of(world: World, spec: SandboxSpec) -> int:
    name = container_name(world.driver.installation, spec.ref, "node")
    return int(world.engine.inspect_container(name)["State"]["Pid"])


def shim_of(world: World, spec: SandboxSpec) -> int:
    status = Path(f"/proc/{keeper_of(world, spec)}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
