"""``./dev chaos labs [--n N] [--engine live-restore|plain|none]``: N lab lives while parts of the product are killed."""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, SimpleQueue

import docker

from bench.chaos.audit import audit
from bench.chaos.engine import OwnEngine
from bench.chaos.lives import Book, Life
from config.launch.installation import ROOT
from labs.drivers.docker.images import tags_of
from tests.stack import Stack

PARTS = ("web", "worker", "worker", "beat", "broker")
STARTS_PER_PERSON = 25
ENGINE_EVERY = 8
PEOPLE = """
from django.core.management import call_command
from community.api import User
for n in range({count}):
    person, _ = User.objects.get_or_create(username=f"drill{{n}}", defaults={{"email": f"drill{{n}}@example.org"}})
    print("AUDIT" if n == 0 else "", end="")
    call_command("create_token", person.username)
"""


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


class Killer(threading.Thread):
    """Kills a part by chance, again and again, until told to stop; ``kills`` counts them by part."""

    def __init__(self, stack: Stack, engine: OwnEngine | None, choose: random.Random) -> None:
        super().__init__(daemon=True)
        self.stack, self.engine, self.choose = stack, engine, choose
        self.enough = threading.Event()
        self.kills: Counter[str] = Counter()

    def run(self) -> None:
        rounds = 0
        while not self.enough.wait(self.choose.uniform(1.0, 6.0)):
            rounds += 1
            if self.engine is not None and rounds % ENGINE_EVERY == 0:
                self.engine.kill()
                self.kills["engine"] += 1
                continue
            part = self.choose.choice(PARTS)
            try:
                os.kill(self.stack.pid(part), 9)
            except (KeyError, ProcessLookupError):
                continue  # it is being started again
            self.kills[part] += 1


def drill(n: int, at_once: int, seed: int, engine: str) -> dict[str, object]:
    """The report: lives, kills, what was lost and what is left."""
    choose = random.Random(seed)
    with ExitStack() as leaving:
        own = None
        if engine != "none":
            own = OwnEngine(live_restore=engine == "live-restore")
            leaving.callback(own.close)
            say("starting an engine of its own")
            own.start(list(tags_of(ROOT / "sandbox_images").values()))
            os.environ["DOCKER_HOST"] = own.address
        client = docker.APIClient(version="auto", timeout=60)
        leaving.callback(client.close)
        var = Path(tempfile.mkdtemp(prefix="yb-"))
        leaving.callback(shutil.rmtree, var, ignore_errors=True)
        stack = Stack(var, subnets=f"10.{choose.randrange(230, 250)}.0.0/17")
        say("starting the product")
        stack.start()
        leaving.callback(stack.stop)
        people = at_once + n // STARTS_PER_PERSON
        tokens = stack.manage("shell", "-c", PEOPLE.format(count=people)).rpartition("AUDIT")[2].split()
        assert len(tokens) == people, tokens
        book, began = Book(), time.monotonic()
        killer = Killer(stack, own, choose)
        killer.start()
        lead_all(stack, tokens, book, choose, n, at_once, engine_dies=engine == "plain")
        killer.enough.set()
        killer.join()
        seconds = time.monotonic() - began
        say("counting what is left")
        left = audit(stack, client)
        return {
            "lives": book.done, "seed": seed, "engine": engine, "seconds": round(seconds),
            "kills": dict(killer.kills), "cut_terminals": book.cuts, "unfinished": book.unfinished,
            "lost_terminals": book.lost_terminals, "lost_bytes": book.lost_bytes,
            "left": {name: value for name, value in vars(left).items() if name != "reasons"},
            "ended_as": left.reasons, "notes": book.notes,
            "met": left.total == 0 and not book.lost_terminals and not book.lost_bytes and not book.unfinished,
        }  # fmt: skip


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
            Life(stack, token, book, random.Random(seed), engine_dies).lead()
            free.put(token)
            say(f"{book.done}/{n} lives, {book.cuts} cuts")

    threads = [threading.Thread(target=lead) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("what", choices=["labs"])
    parser.add_argument("--n", type=int, default=20, help="how many lab lives")
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument(
        "--engine",
        choices=["live-restore", "plain", "none"],
        default="live-restore",
        help="kill an engine of the drill's own too, with live-restore or without; none leaves the engine alone",
    )
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(2**31)
    report = drill(asked.n, asked.at_once, seed, asked.engine)
    print(json.dumps(report, ensure_ascii=False))
    return 0 if report["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
