"""The measurements of one package, chosen by name, one after the other: a line of JSON per figure."""

import argparse
import importlib
import os
import pkgutil
import signal
import sys
import time
import traceback
from types import ModuleType

from bench.figures import Figure
from bench.world import World


def modules(package: ModuleType) -> list[str]:
    """Every measurement there is, by name."""
    return sorted(found.name for found in pkgutil.iter_modules(package.__path__) if found.name[0] != "_")


def run(world: World, package: ModuleType, name: str, figures: list[Figure]) -> bool:
    """Every figure of the module is printed and kept; False when it broke off, and why is said."""
    began = time.monotonic()
    try:
        for figure in importlib.import_module(f"{package.__name__}.{name}").measure(world):
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


def main(package: ModuleType) -> int:
    """The exit code: 1 when a measurement broke off."""
    known = modules(package)
    prog = f"./dev {package.__name__.replace('.', ' ')}"
    parser = argparse.ArgumentParser(prog=prog, description=package.__doc__)
    parser.add_argument("module", nargs="*", help=f"one of: {', '.join(known)}; all without any")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: less exact, much faster")
    asked = parser.parse_args()
    unknown = set(asked.module) - set(known)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; these are: {', '.join(known)}")
    # What a run made is taken away when it is ended from outside, too.
    signal.signal(signal.SIGTERM, lambda *_told: sys.exit(143))
    world = World(quick=asked.quick)
    began, figures = time.monotonic(), list[Figure]()
    try:
        done = [run(world, package, name, figures) for name in asked.module or known]
        took = f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}"
        world.say(f"{summary(figures)} ({took})")
    finally:
        world.close()
    return 0 if all(done) else 1
