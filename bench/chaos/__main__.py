"""``./dev chaos labs [--n N] [--engine live-restore|plain|none]``: N lab lives while parts of the product are killed."""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import docker
import httpx

from bench.chaos.audit import ask, audit, compare_recordings, shaken
from bench.chaos.engine import OwnEngine
from bench.chaos.killer import Killer
from bench.chaos.lives import Book, Life
from config.launch.engine import Engine
from config.launch.installation import ROOT
from labs.drivers.docker.bootstrap import BASE_IMAGE
from labs.drivers.docker.images import tags_of
from tests.stack import Stack, migrated_template

STARTS_PER_PERSON = 25
PEOPLE = """
from django.core.management import call_command
from community.api import User
for n in range({count}):
    person, _ = User.objects.get_or_create(username=f"drill{{n}}", defaults={{"email": f"drill{{n}}@example.org"}})
    print("TOKENS" if n == 0 else "", end="")
    call_command("create_token", person.username)
"""
EMPTY_THE_POOL = "from bench.chaos import questions; questions.empty_the_pool()"
LOSSES = ("unfinished", "lost_terminals", "lost_bytes", "faults")


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def drill(n: int, at_once: int, seed: int, engine: str) -> dict[str, object]:
    """The report: lives, kills, what was lost and what is left."""
    choose = random.Random(seed)
    with ExitStack() as leaving:
        own = own_engine(engine, leaving)
        # The SDK's plain client does not look at DOCKER_HOST: told nothing, it would ask the machine's engine.
        client = own.client() if own else docker.APIClient(version="auto", timeout=60)
        leaving.callback(client.close)
        stack, uids = product(choose, leaving)
        tokens = people(stack, at_once + n // STARTS_PER_PERSON)
        book, began = Book(), time.monotonic()
        killer = Killer(stack, own, choose, book)
        killer.start()
        try:
            lead_all(stack, tokens, book, choose, n, at_once, engine_dies=engine == "plain")
        finally:
            killer.enough.set()
            killer.join()
        seconds = time.monotonic() - began
        say("counting what is left")
        stack.manage("shell", "-c", EMPTY_THE_POOL)
        left = audit(stack, client, own, uids)
        lost = shaken(book.spans, killer.engine_deaths) if engine == "plain" else set()
        recordings, short = compare_recordings(book.heard, ask(stack, "questions.recordings()"), lost)
        losses = {name: book.counts.pop(name, 0) for name in LOSSES}
        report: dict[str, Any] = {
            "lives": book.counts.pop("lives", 0), "passed": book.counts.pop("passed", 0),
            "finished": book.counts.pop("finished", 0), "seed": seed, "engine": engine,
            "seconds": round(seconds), "load": os.getloadavg()[0], "kills": dict(sorted(killer.kills.items())),
            "seen": dict(sorted(book.counts.items())), "lost": losses, "left": left.counts,
            "forgotten_by_engine": len(left.forgotten),
            "recordings": dict(sorted(recordings.items())), "ended_as": ask(stack, "questions.ends()"),
            "notes": [*([killer.broken] if killer.broken else []), *left.words, *book.notes, *short],
        }  # fmt: skip
        return {**report, "met": is_met(report) and not killer.broken}


def is_met(report: Mapping[str, Any]) -> bool:
    """Nothing was lost, nothing is left, and it is no wonder: parts were killed, and lives passed their checks meanwhile."""
    something_happened = bool(report["kills"]) and bool(report["passed"])
    wrong = sum(
        report["recordings"].get(verdict, 0) for verdict in ("wrong", "missing", "short", "incomplete")
    )
    return something_happened and not (any(report["left"].values()) or any(report["lost"].values()) or wrong)


def own_engine(kind: str, leaving: ExitStack) -> OwnEngine | None:
    """An engine that may be killed, and that this process and what it starts asks from now on; None for ``none``."""
    if kind == "none":
        folder = Path(tempfile.mkdtemp(prefix="ye-"))
        leaving.callback(shutil.rmtree, folder, ignore_errors=True)
        Engine(folder).ensure()  # and it is not left: whoever else uses it does not find it stopped
        return None
    own = OwnEngine(live_restore=kind == "live-restore")
    leaving.callback(own.close)
    say("starting an engine of its own")
    own.start([BASE_IMAGE, *tags_of(ROOT / "sandbox_images").values()])
    os.environ["DOCKER_HOST"] = own.address
    leaving.callback(os.environ.pop, "DOCKER_HOST")
    return own


def product(choose: random.Random, leaving: ExitStack) -> tuple[Stack, range]:
    """The whole product, running, with a pool; and the uids of its sandboxes, which nothing else has."""
    var = Path(tempfile.mkdtemp(prefix="yb-"))
    leaving.callback(shutil.rmtree, var, ignore_errors=True)
    stack = Stack(var, subnets=f"10.{choose.randrange(230, 250)}.0.0/17", template=migrated_template())
    first = 400_000 + 10_000 * choose.randrange(20)
    uids = range(first, first + 10_000)
    stack.extra |= {"SANDBOX_UIDS": f"{uids.start}-{uids.stop - 1}", "SANDBOX_POOL_PERCENT": "20"}
    say(f"starting the product in {var}")
    leaving.callback(lambda: stack.launcher and stack.stop())
    stack.start()
    return stack, uids


def people(stack: Stack, count: int) -> list[str]:
    """An API token for each of so many people."""
    tokens = stack.manage("shell", "-c", PEOPLE.format(count=count)).rpartition("TOKENS")[2].split()
    assert len(tokens) == count, tokens
    return tokens


def lead_all(
    stack: Stack,
    tokens: list[str],
    book: Book,
    choose: random.Random,
    n: int,
    at_once: int,
    *,
    engine_dies: bool,
) -> None:
    """``n`` lives, ``at_once`` at a time, each person one at a time."""
    free: SimpleQueue[str] = SimpleQueue()
    for token in tokens:
        free.put(token)
    lives: SimpleQueue[int] = SimpleQueue()
    for number in range(n):
        lives.put(choose.randrange(2**32) + number)

    def lead() -> None:
        while True:
            try:
                seed = lives.get_nowait()
            except Empty:
                return
            token = free.get()
            try:
                Life(stack, token, book, random.Random(seed), engine_dies).lead()
            except (LookupError, TypeError, ValueError, AssertionError, httpx.HTTPError) as error:
                book.add(f"the drill itself: {error!r}", unfinished=1)
            free.put(token)
            say(f"{book.counts['lives']}/{n} lives {dict(book.counts)}")

    threads = [threading.Thread(target=lead, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("what", choices=["labs"])
    parser.add_argument("--n", type=int, default=20, help="how many lab lives")
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument(
        "--engine",
        choices=["live-restore", "plain", "none"],
        default="live-restore",
        help="kill an engine of the drill's own too, with live-restore or without; none leaves the engine alone",
    )
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(2**31)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped all the same
    report = drill(asked.n, asked.at_once, seed, asked.engine)
    print(json.dumps(report, ensure_ascii=False))
    return 0 if report["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
