"""What kills the parts of the product at moments that nobody chose."""

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from bench.chaos.engine import OwnEngine
from bench.chaos.lives import Book
from tests.stack import Stack

ENGINE_EVERY = 8
PAUSE_S = (3.0, 9.0)
# On a busy machine a part takes long to come back: the next one is killed when some life went on, or after so long.
STANDSTILL_S = 30.0
# One of the worker's own processes, as the kernel kills it when memory runs out.
CHILD = "worker's child"


class Killer(threading.Thread):
    """Kills a part by chance, again and again, until told to stop; ``kills`` counts them by part."""

    def __init__(self, stack: Stack, engine: OwnEngine | None, choose: random.Random, book: Book) -> None:
        super().__init__(daemon=True)
        self.stack, self.engine, self.choose, self.book = stack, engine, choose, book
        self.enough = threading.Event()
        self.kills: Counter[str] = Counter()
        # When the engine was killed, by the monotonic clock.
        self.engine_deaths: list[float] = []
        self.broken = ""

    def run(self) -> None:
        rounds = steps = 0
        while not self.enough.wait(self.choose.uniform(*PAUSE_S)):
            steps = self._went_on(steps)
            rounds += 1
            if self.engine is not None and rounds % ENGINE_EVERY == 0:
                self.engine_deaths.append(time.monotonic())
                try:
                    self.engine.kill()
                except RuntimeError as error:
                    self.broken = str(error)
                    return
                self.kills["engine"] += 1
                continue
            self._kill(self.choose.choice(self.parts()))

    def _went_on(self, steps: int) -> int:
        """Returns how many steps the lives have taken, once there are more than ``steps``, or after STANDSTILL_S."""
        deadline = time.monotonic() + STANDSTILL_S
        while self.book.steps <= steps and time.monotonic() < deadline and not self.enough.wait(0.2):
            continue
        return self.book.steps

    def parts(self) -> list[str]:
        """Every process that the launcher keeps alive, and one of the worker's own."""
        return [*sorted(self.stack.installation.state()["processes"]), CHILD]

    def _kill(self, part: str) -> None:
        with suppress(KeyError, ProcessLookupError):  # it is being started again
            pid = self.stack.pid("worker" if part == CHILD else part)
            if part == CHILD:
                children = children_of(pid)
                if not children:
                    return
                pid = self.choose.choice(children)
            os.kill(pid, signal.SIGKILL)
            self.kills[part] += 1


def children_of(pid: int) -> list[int]:
    """The processes that ``pid`` started and that run."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
