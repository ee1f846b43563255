"""From the click on a lab to its first prompts, through the whole web stack, beside bare Engine calls for the same machines."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from bench.figures import Figure, percentile
from bench.learners import Learner, tokens
from bench.raw import RawLab
from bench.spares import IMAGES, LABS, Spares, machines
from bench.world import World

TURNS = 8


def measure(world: World) -> Iterator[Figure]:
    spares = Spares(world.product)
    clicks = world.spares
    people = iter(tokens(world.product, 1 + 2 * len(LABS) * clicks))
    regular = next(people)
    spares.empty()
    references = {}
    for slug in LABS:
        raw, cold = cold_starts(world, spares, regular, slug)
        references[slug] = percentile(raw, 50)
        yield Figure(f"{name(slug)}, cold, p50 ms", percentile(cold, 50), references[slug], at_most=1.10)
    for kind, most in (("frozen", 0.10), ("unfrozen", 0.05)):
        spares.fill(dict.fromkeys(LABS, clicks))
        if kind == "unfrozen":
            spares.thaw()
        with ExitStack() as leaving:
            for slug in LABS:
                warm = warm_starts(world, [next(people) for _click in range(clicks)], slug, leaving)
                what, reference = f"{name(slug)}, warm {kind}", references[slug]
                yield Figure(f"{what}, p50 ms", percentile(warm, 50), reference, at_most=most)
                yield Figure(f"{what}, p99 ms", percentile(warm, 99), reference, at_most=0.25)
            spares.refuse()
    spares.until_gone()


def name(slug: str) -> str:
    count = len(machines(slug))
    return f"click to prompt, {count} node{'s' if count > 1 else ''}"


def cold_starts(world: World, spares: Spares, token: str, slug: str) -> tuple[list[float], list[float]]:
    """Milliseconds of bare starts and of the product's, by turns; the pool is empty, and each finds the host idle."""
    raw, cold = [], []
    nodes = machines(slug)
    for turn in range(world.times(TURNS) + 1):
        bare = RawLab(world, nodes, IMAGES)
        began = time.perf_counter()
        bare.start()
        bare_ms = (time.perf_counter() - began) * 1000
        with Learner(world.product, token) as learner:
            session, product_ms = learner.start(slug)
            learner.leave(session)
        bare.stop()
        spares.until_gone()
        if turn:  # the first of each fills caches
            raw.append(bare_ms)
            cold.append(product_ms)
    return raw, cold


def warm_starts(world: World, people: list[str], slug: str, leaving: ExitStack) -> list[float]:
    """Milliseconds of one click after the other, each of another learner; they leave their labs at the end of ``leaving``."""
    took = []
    for token in people:
        with Learner(world.product, token) as learner:
            session, ms = learner.start(slug)
        leaving.callback(leave, world, token, session)
        took.append(ms)
    return took[1:]


def leave(world: World, token: str, session: dict[str, Any]) -> None:
    with Learner(world.product, token) as learner:
        learner.leave(session)
