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
from bench.world import World


def modules() -> list[str]:
    """Every measurement there is, by name."""
    return sorted(found.name for found in pkgutil.iter_modules(bench.labs.__path__) if found.name[0] != "_")


def run(world: World, name: str) -> bool:
    """Every figure of the module is printed; False when it broke off, and why is said."""
    began = time.monotonic()
    try:
        for figure in importlib.import_module(f"bench.labs.{name}").measure(world):
            print(figure.line(), flush=True)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001  (pytest's failures, which the product's start may raise, are no Exceptions)
        world.say(f"{name} broke off:\n{traceback.format_exc()}")
        return False
    load = os.getloadavg()[0]
    world.say(f"{name}: {time.monotonic() - began:.0f} s, load {load:.1f}")
    return True


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
    try:
        done = [run(world, name) for name in asked.module or modules()]
    finally:
        world.close()
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
