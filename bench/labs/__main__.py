"""``./dev bench labs [module...] [--quick]``: the chosen measurements one after the other, a line of JSON per figure."""

import argparse
import importlib
import os
import pkgutil
import signal
import sys
import time
import traceback

import bench.labs
from bench.figures import Figure
from bench.world import World


def modules() -> list[str]:
    """Every measurement there is, by name."""
    return sorted(found.name for found in pkgutil.iter_modules(bench.labs.__path__) if found.name[0] != "_")


def run(world: World, name: str, figures: list[Figure]) -> bool:
    """Every figure of the module is printed and kept; False when it broke off, and why is said."""
    began = time.monotonic()
    try:
        for figure in importlib.import_module(f"bench.labs.{name}").measure(world):
            print(figure.line(), flush=True)
            figures.append(figure)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001  (pytest's failures, which the product's start may raise, are no Exceptions)
        world.say(f"{name} broke off:\n{traceback.format_exc()}")
        return False
    load = os.getloadavg()[0]
    world.say(f"{name}: {time.monotonic() - began:.0f} s, load {load:.1f}")
    return True


def summary(figures: list[Figure]) -> str:
    """How many targets were met, and which were not."""
    judged = [figure for figure in figures if figure.met is not None]
    missed = [figure.metric for figure in judged if not figure.met]
    counts = f"{len(judged) - len(missed)} of {len(judged)} targets met"
    return f"{counts}; missed: {'; '.join(missed)}" if missed else counts


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench labs", description=__doc__)
    parser.add_argument("module", nargs="*", help=f"one of: {', '.join(modules())}; all without any")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: less exact, much faster")
    asked = parser.parse_args()
    unknown = set(asked.module) - set(modules())
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; these are: {', '.join(modules())}")
    # What a run made is taken away when it is ended from outside, too.
    signal.signal(signal.SIGTERM, lambda *_told: sys.exit(143))
    world = World(quick=asked.quick)
    began, figures = time.monotonic(), list[Figure]()
    try:
        done = [run(world, name, figures) for name in asked.module or modules()]
        took = f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}"
        world.say(f"{summary(figures)} ({took})")
    finally:
        world.close()
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
