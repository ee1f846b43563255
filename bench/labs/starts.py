"""From the click on a lab to its first prompts, through the whole web stack, beside bare Engine calls for the same machines."""

import asyncio
import sqlite3
import time
import tomllib
from collections.abc import Iterator
from typing import Any

from bench.figures import Figure, percentile
from bench.learners import Learner, tokens
from bench.raw import RawLab
from bench.world import World
from config.launch.installation import ROOT
from labs.lifecycle import State
from tests.stack import Stack

IMAGES = ROOT / "sandbox_images"
LABS = ("linux-processes", "load-balancing")
SPARE = 2
PATIENCE_S = 90

SIZES = """
from labs.models import ImageSet, Lab
measured = [ImageSet.objects.for_lab(lab).pk for lab in Lab.objects.filter(slug__in={labs})]
ImageSet.objects.update(minimum=0, reserve=0, ceiling=0)
ImageSet.objects.filter(pk__in=measured).update(minimum={size}, ceiling={size})
"""
THAW = """
from labs.engine import get_driver
from labs.models import Sandbox
for sandbox in Sandbox.objects.pooled():
    get_driver().resume(sandbox.ref)
    Sandbox.objects.filter(pk=sandbox.pk).update(frozen_at=None)
"""


def measure(world: World) -> Iterator[Figure]:
    keys = iter(tokens(world.product, 12))
    for slug in LABS:
        nodes = machines(slug)
        raw: list[float] = []
        cold: list[float] = []
        set_pool(world.product, 0)
        token = next(keys)
        for turn in range(world.times(8) + 1):
            pair = (raw_start(world, nodes), click(world, token, slug))
            if turn:  # the first of each fills caches
                raw.append(pair[0])
                cold.append(pair[1])
        reference = percentile(raw, 50)
        name = f"click to prompt, {len(nodes)} node{'s'[: len(nodes) - 1]}"
        yield Figure(f"{name}, cold, p50 ms", percentile(cold, 50), reference, at_most=1.10)
        set_pool(world.product, SPARE)
        for kind, most in (("frozen", 0.10), ("unfrozen", 0.05)):
            token = next(keys)
            warm = []
            for turn in range(world.times(20) + 1):
                until_warm(world.product, len(LABS) * SPARE)
                if kind == "unfrozen":
                    world.product.manage("shell", "--no-imports", "-c", THAW)
                took_ms = click(world, token, slug)
                warm += [took_ms] if turn else []
            yield Figure(f"{name}, warm {kind}, p50 ms", percentile(warm, 50), reference, at_most=most)
            yield Figure(f"{name}, warm {kind}, p99 ms", percentile(warm, 99), reference, at_most=0.25)


def machines(slug: str) -> list[dict[str, Any]]:
    return list(tomllib.loads((IMAGES / "labs" / slug / "lab.toml").read_text())["nodes"])


def raw_start(world: World, nodes: list[dict[str, Any]]) -> float:
    """Milliseconds for the network, the containers (all at once) and a shell's first prompt in each."""
    lab = RawLab(world, nodes, IMAGES)
    began = time.perf_counter()
    lab.start()
    took_ms = (time.perf_counter() - began) * 1000
    lab.stop()
    return took_ms


def click(world: World, token: str, slug: str) -> float:
    """Milliseconds from the learner's click to the first prompt of every node; the lab is left and gone again."""

    async def run() -> float:
        async with Learner(world.product, token) as learner:
            session, took_ms = await learner.start(slug)
            await learner.leave(session)
            return took_ms

    took_ms = asyncio.run(run())
    until(lambda: not count(world.product, "session_id is not null and state != 'stopped'"), "a sandbox gone")
    return took_ms


def set_pool(product: Stack, size: int) -> None:
    """So many sandboxes of each set are to wait, and they do."""
    product.manage("shell", "--no-imports", "-c", SIZES.format(size=size, labs=LABS))
    until_warm(product, len(LABS) * size, exactly=True)


def until_warm(product: Stack, size: int, *, exactly: bool = False) -> None:
    """The pool holds what it should of the measured labs, and the worker is at rest."""
    until(lambda: count(product, f"state = '{State.POOLED}'") >= size, f"{size} pooled sandboxes")
    if exactly:
        until(lambda: size or not count(product, f"state = '{State.POOLED}'"), "an empty pool")
    until(
        lambda: not count(product, "state in ('requested', 'provisioning', 'stopping')"), "a worker at rest"
    )


def count(product: Stack, where: str) -> int:
    with sqlite3.connect(f"file:{product.var / 'db.sqlite3'}?mode=ro", uri=True, timeout=20) as rows:
        return int(rows.execute(f"select count(*) from labs_sandbox where {where}").fetchone()[0])


def until(predicate: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not predicate():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.05)
