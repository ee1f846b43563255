"""Freezing, waking and resizing one machine, beside the Engine's bare pause, unpause and update; and saving a home."""

import io
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from bench.figures import Figure
from bench.raw import raw_lab
from bench.world import World
from config.launch.installation import ROOT
from labs.drivers.base import NodeSpec, SandboxSpec, SubnetTaken

HOME_MIB = 8
LEARNER = 320_000
MACHINE: dict[str, Any] = {"name": "node1", "image": "base", "cpus": 1.0, "memory_mib": 128, "pids": 128}
IMAGES = ROOT / "sandbox_images"
MIB = 2**20


def measure(world: World) -> Iterator[Figure]:
    ref = f"b{uuid.uuid4().hex[:12]}"
    _create(world, ref)
    try:
        with raw_lab(world, [MACHINE], IMAGES) as lab:
            yield from _verbs(world, ref, lab.containers[0])
        yield from _homes(world, ref)
    finally:
        world.driver.destroy(ref)


def _create(world: World, ref: str) -> None:
    while True:
        subnet = world.subnet()
        stem, last = subnet.removesuffix("/28").rsplit(".", 1)
        node = NodeSpec("node1", "base", f"{stem}.{int(last) + 2}", MACHINE["cpus"], MACHINE["memory_mib"])
        try:
            world.driver.create(SandboxSpec(ref, LEARNER, subnet, (node,)))
        except SubnetTaken:
            continue
        return


def _verbs(world: World, ref: str, container: str) -> Iterator[Figure]:
    raw: dict[str, list[float]] = {"freeze": [], "wake": [], "resize": []}
    ours: dict[str, list[float]] = {name: [] for name in raw}
    engine, driver = world.engine, world.driver
    for turn in range(world.times(25) + 1):
        cpus, memory_mib = (0.5, 160) if turn % 2 else (1.0, 128)
        resize = partial(driver.resize, ref, "node1", cpus=cpus, memory_mib=memory_mib)
        took = {
            "freeze": (_ms(partial(engine.pause, container)), _ms(partial(driver.suspend, ref))),
            "wake": (_ms(partial(engine.unpause, container)), _ms(partial(driver.resume, ref))),
            "resize": (_ms(partial(_update, world, container, cpus, memory_mib)), _ms(resize)),
        }
        if turn:  # the first of each fills caches
            for name, (bare, product) in took.items():
                raw[name].append(bare)
                ours[name].append(product)
    for name in raw:
        yield Figure(f"{name}, p50 ms", statistics.median(ours[name]), statistics.median(raw[name]))


def _update(world: World, container: str, cpus: float, memory_mib: int) -> None:
    engine = world.engine
    limits = {"NanoCpus": round(cpus * 1e9), "Memory": memory_mib * MIB, "MemorySwap": memory_mib * MIB}
    # The SDK's own update call does not know NanoCpus.
    address = f"{engine.base_url}/v{engine.api_version}/containers/{container}/update"
    engine.post(address, json=limits, timeout=60).raise_for_status()


def _homes(world: World, ref: str) -> Iterator[Figure]:
    fill = f'head -c {HOME_MIB * MIB} /dev/urandom > "$HOME/file"'
    world.driver.run(ref, "node1", fill, uid=LEARNER, gid=LEARNER, timeout_s=30)
    saves, loads = [], []
    for _turn in range(world.times(10)):
        packed = io.BytesIO()
        save = partial(world.driver.save_home, ref, "node1", packed, uid=LEARNER, timeout_s=60)
        saves.append(_ms(partial(save, limit_bytes=4 * HOME_MIB * MIB)))
        packed.seek(0)
        load = partial(world.driver.load_home, ref, "node1", packed, uid=LEARNER, timeout_s=60)
        loads.append(_ms(load))
    yield Figure(f"save a home of {HOME_MIB} MiB, p50 ms", statistics.median(saves))
    yield Figure(f"put back a home of {HOME_MIB} MiB, p50 ms", statistics.median(loads))


def _ms(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000
