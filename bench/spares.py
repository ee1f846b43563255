"""Sandboxes that stand ready in the product's pool. Beside them the host has room for nothing: none is made meanwhile."""

import os
import sqlite3
import time
import tomllib
from collections.abc import Callable
from contextlib import closing
from functools import cached_property
from typing import Any

from celery import Celery

from config.launch.installation import ROOT
from labs.drivers.base import DriverOptions, NodeSpec
from labs.drivers.docker.driver import DockerDriver
from labs.lifecycle import State
from tests.stack import Stack

IMAGES = ROOT / "sandbox_images"
# One machine, and three on a network.
LABS = ("linux-processes", "load-balancing")
PATIENCE_S = 180
NUDGE_S = 1.0

SETS = """
from labs.models import ImageSet, Lab
for slug in {labs}:
    print(ImageSet.objects.for_lab(Lab.objects.get(slug=slug)).pk)
"""
MAKING = "state in ('requested', 'provisioning')"
BUSY = "state in ('requested', 'provisioning', 'stopping')"
POOLED = f"state = '{State.POOLED}'"


def machines(slug: str) -> list[dict[str, Any]]:
    return list(tomllib.loads((IMAGES / "labs" / slug / "lab.toml").read_text())["nodes"])


def memory_mib(count: int) -> int:
    """What ``count`` sandboxes of each lab are promised together."""
    nodes = [node for slug in LABS for node in machines(slug)]
    each = [node["memory_mib"] + node["home_mib"] + NodeSpec.tmp_mib + NodeSpec.shm_mib for node in nodes]
    return count * sum(each)


class Spares:
    """The pool of a running product, looked after past its worker's own judgement."""

    def __init__(self, product: Stack) -> None:
        self.product = product
        self.broker = Celery(broker=f"redis+socket://{product.var}/broker/redis.sock")
        words = product.manage("shell", "--no-imports", "-c", SETS.format(labs=LABS)).split()
        self.sets = dict(zip(LABS, map(int, words), strict=True))

    @cached_property
    def driver(self) -> DockerDriver:
        """The product's own driver, in this process."""
        keepers = str(self.product.var / "keepers")
        return DockerDriver(DriverOptions(self.product.installation_id, keepers, 0, {"images": str(IMAGES)}))

    def refuse(self) -> None:
        """None is made any more."""
        self._size({})

    def empty(self) -> None:
        """Nothing waits in the pool, and the worker is at rest."""
        self.refuse()
        self._until(lambda: not self.count(POOLED) and self._is_at_rest(), "an empty pool")

    def fill(self, counts: dict[str, int]) -> None:
        """So many sandboxes of each lab wait in the pool and of nothing else; the worker is at rest."""
        self._size(counts)
        self._until(
            lambda: self.count(POOLED) == sum(counts.values()) and self._is_at_rest(), f"{counts} in the pool"
        )

    def thaw(self) -> None:
        """What waits in the pool waits unfrozen."""
        for (ref,) in self._ask(f"select ref from labs_sandbox where {POOLED}"):
            self.driver.resume(ref)
        self._tell(f"update labs_sandbox set frozen_at = null where {POOLED}")

    def until_gone(self) -> None:
        """No learner has a sandbox, and the worker is at rest."""
        self._until(
            lambda: not self.count("session_id is not null and state != 'stopped'") and self._is_at_rest(),
            "every session's sandbox gone",
            nudge=False,
        )

    def count(self, where: str) -> int:
        return int(self._ask(f"select count(*) from labs_sandbox where {where}")[0][0])

    def _is_at_rest(self) -> bool:
        return not self.count(BUSY)

    def _size(self, counts: dict[str, int]) -> None:
        self._tell("update labs_imageset set minimum = 0, reserve = 0, ceiling = 0")
        for slug, count in counts.items():
            self._tell(
                "update labs_imageset set minimum = ?, ceiling = ? where id = ?",
                count,
                count,
                self.sets[slug],
            )

    def _until(self, predicate: Callable[[], bool], what: str, *, nudge: bool = True) -> None:
        deadline = time.monotonic() + PATIENCE_S
        nudged_at = 0.0
        while not predicate():
            now = time.monotonic()
            if now > deadline:
                raise TimeoutError(f"not within {PATIENCE_S} s: {what}; load {os.getloadavg()[0]:.1f}")
            if nudge and now - nudged_at > NUDGE_S and not self.count(MAKING):
                # The worker would look by itself every 10 s.
                self.broker.send_task("labs.tasks.refill")
                nudged_at = now
            time.sleep(0.05)

    def _ask(self, query: str) -> list[Any]:
        address = f"file:{self.product.var / 'db.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=20)) as rows:
            return rows.execute(query).fetchall()

    def _tell(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.product.var / "db.sqlite3", timeout=20)) as rows, rows:
            rows.execute(statement, values)
