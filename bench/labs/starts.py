"""From the wish for a lab to its first prompts, beside the bare Engine calls for the same machines."""

import asyncio
import statistics
import time
import uuid
from collections.abc import Iterator
from typing import Any

from bench.figures import Figure
from bench.raw import PROMPT, RawLab
from bench.world import World
from config.launch.installation import ROOT
from labs.drivers.base import NodeSpec, Output, SandboxSpec, SubnetTaken

IMAGES = ROOT / "sandbox_images"


def machines(count: int) -> list[dict[str, Any]]:
    return [
        {"name": f"node{number}", "image": "base", "cpus": 1.0, "memory_mib": 128, "pids": 128}
        for number in range(1, count + 1)
    ]


def measure(world: World) -> Iterator[Figure]:
    for count in (1, 3):
        raw, ours = [], []
        # Turn and turn about, so that whatever else the machine does falls on both.
        for turn in range(world.times(10) + 1):
            pair = (_raw_start(world, count), _driver_start(world, count))
            if turn:  # the first of each fills caches
                raw.append(pair[0])
                ours.append(pair[1])
        yield Figure(
            f"driver start to prompts, {count} nodes, p50 ms",
            statistics.median(ours),
            statistics.median(raw),
            at_most=1.10,
        )


def _raw_start(world: World, count: int) -> float:
    lab = RawLab(world, machines(count), IMAGES)
    began = time.perf_counter()
    lab.start()
    took_ms = (time.perf_counter() - began) * 1000
    lab.stop()
    return took_ms


def _driver_start(world: World, count: int) -> float:
    ref = f"b{uuid.uuid4().hex[:12]}"
    began = time.perf_counter()
    _create(world, ref, count)
    asyncio.run(_first_prompts(world, ref, count))
    took_ms = (time.perf_counter() - began) * 1000
    world.driver.destroy(ref)
    return took_ms


def _create(world: World, ref: str, count: int) -> None:
    while True:
        subnet = world.subnet()
        stem, last = subnet.removesuffix("/28").rsplit(".", 1)
        nodes = tuple(
            NodeSpec(
                node["name"],
                node["image"],
                f"{stem}.{int(last) + 2 + place}",
                node["cpus"],
                node["memory_mib"],
            )
            for place, node in enumerate(machines(count))
        )
        try:
            world.driver.create(SandboxSpec(ref, 320_000, subnet, nodes))
        except SubnetTaken:
            continue
        return


async def _first_prompts(world: World, ref: str, count: int) -> None:
    async def first_prompt(node: str) -> None:
        terminal = await world.driver.attach(ref, node, 1, offset=0)
        seen = b""
        async for event in terminal:
            seen += event.data if isinstance(event, Output) else b""
            if PROMPT in seen:
                break
        await terminal.close()

    await asyncio.gather(*(first_prompt(node["name"]) for node in machines(count)))
