"""The ledger beside the kernel's own counter for the same machine, and what reading all meters costs."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.apart import apart
from bench.figures import Figure, percentile
from bench.learners import Learner, tokens
from bench.world import World
from labs.drivers.docker.names import filters
from tests.stack import Stack

LAB = "linux-processes"
WORK = "timeout 3 sh -c 'while :; do :; done'"
MOST_OFF_PERCENT = 0.1
SANDBOXES = 100


def measure(world: World) -> Iterator[Figure]:
    counted_ns, metered_ns = life(world)
    off = abs(metered_ns - counted_ns) / counted_ns * 100
    yield Figure("processor time in the ledger, off from the cgroup's, %", off, at_most=MOST_OFF_PERCENT)
    found = apart(world, "sweep", sandboxes=SANDBOXES, turns=world.times(10))
    meters = found["meters"]
    sampled, plain = (percentile(found[name], 50) / meters for name in ("sampled", "plain"))
    yield Figure(f"sweep of {meters} meters, ms per meter", sampled, plain)


def life(world: World) -> tuple[int, int]:
    """Nanoseconds that the machine of one session worked: by its cgroup before it went, by the ledger after it."""
    product = world.product
    (token,) = tokens(product, 1)
    with Learner(product, token) as learner:
        session, _took_ms = learner.start(LAB)
        ref = asked(
            product, "select ref from labs_sandbox where session_id = ?", session["id"].replace("-", "")
        )
        (container,) = world.engine.containers(filters=filters(product.installation_id, ref))
        run = world.engine.exec_create(container["Id"], ["sh", "-c", WORK], user="65534")
        world.engine.exec_start(run["Id"])
        pid = world.engine.inspect_container(container["Id"])["State"]["Pid"]
        counted_ns = processor_ns(pid)
        learner.leave(session)
    gone = "select count(*) from labs_sandbox where ref = ? and state = 'stopped'"
    product.wait_until(lambda: asked(product, gone, ref), 60, "the session's machine gone")
    return counted_ns, int(asked(product, "select sum(cpu_ns) from labs_usageentry where ref = ?", ref))


def processor_ns(pid: int) -> int:
    """What the cgroup of the process has counted, by the kernel, of either version."""
    lines = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    groups = {name: path.lstrip("/") for _number, names, path in lines for name in names.split(",")}
    root = Path("/sys/fs/cgroup")
    if "cpuacct" in groups:
        return int((root / "cpuacct" / groups["cpuacct"] / "cpuacct.usage").read_text())
    stat = (root / groups[""] / "cpu.stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in stat if line.startswith("usage_usec")) * 1000


def asked(product: Stack, query: str, *words: str) -> Any:
    """The first value of the first row."""
    address = f"file:{product.var / 'db.sqlite3'}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=20)) as rows:
        return rows.execute(query, words).fetchone()[0]
