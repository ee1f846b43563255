"""A terminal at the driver's seam, where the web takes it up, beside the Engine's own exec socket with the same shell."""

import asyncio
import os
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.figures import Figure, percentile
from bench.raw import PROMPT, RawShell, raw_lab
from bench.sandboxes import sandbox
from bench.world import World
from config.launch.installation import ROOT
from labs.drivers.base import Output, SandboxSpec, Terminal

BULK_BYTES = 50_000_000
RAW_BULK_BYTES = 10_000_000
BULK = "head -c {} /dev/zero | tr '\\0' y; echo do''ne\r"
BULK_OVER = b"done\r\n"
FLOOD = b"yes\r"
NEIGHBOURS = 4
FLOOD_S = 0.5
ACK_BYTES = 64 * 1024
RAW_NODE = {"name": "raw", "image": "base", "memory_mib": 128, "cpus": 1.0, "pids": 64}


def measure(world: World) -> Iterator[Figure]:
    names = ("node", *(f"near{n}" for n in range(NEIGHBOURS)))
    with raw_lab(world, [RAW_NODE], ROOT / "sandbox_images") as lab, sandbox(world, *names) as spec:
        shell = lab.shells[0]
        keys = world.times(200)
        raw_echo = [raw_key(shell) for _key in range(keys)]
        raw_bulk_s = raw_bulk(shell)
        found = asyncio.run(measured(world, spec, keys))
    echo = found["echo"]
    yield Figure("key to echo, p50 ms", percentile(echo, 50), percentile(raw_echo, 50), at_most=0.5)
    yield Figure("key to echo, p99 ms", percentile(echo, 99), percentile(raw_echo, 99), at_most=3)
    bulk_s = found["bulk"][0]
    yield Figure(
        "bulk output, MB/s", BULK_BYTES / 1e6 / bulk_s, RAW_BULK_BYTES / 1e6 / raw_bulk_s, at_least=2
    )
    yield Figure("processor time for 50 MB, s", found["cpu"][0], at_most=0.45)
    yield Figure("memory of an unread terminal, MB", found["unread"][0], at_most=1)
    idle = percentile(echo, 50)
    yield Figure("Ctrl-C in a flood to prompt, p50 ms", percentile(found["ctrl-c"], 50), idle, at_most=2)
    yield Figure(
        f"key to echo beside {NEIGHBOURS} floods, p50 ms", percentile(found["beside"], 50), idle, at_most=2
    )


async def measured(world: World, spec: SandboxSpec, keys: int) -> dict[str, list[float]]:
    """Every sample by name: milliseconds, seconds, megabytes."""
    found: dict[str, list[float]] = {}
    async with attached(world, spec, "node", 1) as view:
        found["echo"] = [await view.key() for _key in range(keys)]
        found["bulk"], found["cpu"] = await bulk(view)
        found["ctrl-c"] = [await ctrl_c(view) for _turn in range(world.times(10))]
    found["unread"] = [await unread_mb(world, spec)]
    async with attached(world, spec, "node", 1) as view:
        floods = [asyncio.create_task(flood(world, spec, f"near{n}")) for n in range(NEIGHBOURS)]
        await asyncio.sleep(FLOOD_S)
        found["beside"] = [await view.key() for _key in range(keys)]
        for task in floods:
            task.cancel()
        await asyncio.gather(*floods, return_exceptions=True)
    return found


class View:
    """A reader that acknowledges as a browser does."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.events = terminal.__aiter__()
        self.end = self.acked = terminal.hello.offset
        self.tail = b""

    async def until(self, marker: bytes) -> None:
        while marker not in self.tail:
            event = await anext(self.events)
            if isinstance(event, Output):
                self.tail = self.tail[-len(marker) :] + event.data
                self.end = event.offset + len(event.data)
                if self.end - self.acked >= ACK_BYTES:
                    self.acked = self.end
                    await self.terminal.ack(self.end)
        self.tail = self.tail[self.tail.index(marker) + len(marker) :]

    async def key(self) -> float:
        began = time.perf_counter()
        await self.terminal.write(b"k")
        await self.until(b"k")
        took_ms = (time.perf_counter() - began) * 1000
        await self.terminal.write(b"\x15")
        await asyncio.sleep(0.005)
        return took_ms


@asynccontextmanager
async def attached(world: World, spec: SandboxSpec, node: str, terminal: int) -> AsyncIterator[View]:
    """A view of a fresh prompt."""
    attachment = await world.driver.attach(spec.ref, node, terminal, offset=0)
    try:
        view = View(attachment)
        await view.until(PROMPT)
        yield view
    finally:
        await attachment.close()


async def bulk(view: View) -> tuple[list[float], list[float]]:
    began, cpu = time.perf_counter(), time.process_time()
    await view.terminal.write(BULK.format(BULK_BYTES).encode())
    await view.until(BULK_OVER)
    took = [time.perf_counter() - began], [time.process_time() - cpu]
    await view.until(PROMPT)
    return took


async def ctrl_c(view: View) -> float:
    """Milliseconds from Ctrl-C to the prompt, while the flood is read as fast as it comes."""
    await view.terminal.write(FLOOD)
    until = time.perf_counter() + FLOOD_S
    while time.perf_counter() < until:
        await view.until(b"y\r\n")
    began = time.perf_counter()
    await view.terminal.write(b"\x03")
    await view.until(PROMPT)
    return (time.perf_counter() - began) * 1000


async def flood(world: World, spec: SandboxSpec, node: str) -> None:
    async with attached(world, spec, node, 1) as view:
        await view.terminal.write(FLOOD)
        await view.until(b"never said")


async def unread_mb(world: World, spec: SandboxSpec) -> float:
    """What this process grows by while a flood waits that nobody reads."""
    async with attached(world, spec, "node", 2) as view:
        before = resident_bytes()
        await view.terminal.write(FLOOD)
        await asyncio.sleep(4 * FLOOD_S)
        return max(0.0, (resident_bytes() - before) / 1e6)


def resident_bytes() -> int:
    return int(Path(f"/proc/{os.getpid()}/statm").read_text().split()[1]) * resource.getpagesize()


def raw_key(shell: RawShell) -> float:
    began = time.perf_counter()
    shell.socket.sendall(b"k")
    shell.read_until(b"k")
    took_ms = (time.perf_counter() - began) * 1000
    shell.socket.sendall(b"\x15")
    time.sleep(0.005)
    return took_ms


def raw_bulk(shell: RawShell) -> float:
    began = time.perf_counter()
    shell.socket.sendall(BULK.format(RAW_BULK_BYTES).encode())
    tail = b""
    while BULK_OVER not in tail:
        tail = tail[-len(BULK_OVER) :] + shell.socket.recv(65536)
    took_s = time.perf_counter() - began
    if PROMPT not in tail:
        shell.read_until(PROMPT)
    return took_s
