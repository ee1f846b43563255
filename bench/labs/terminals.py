"""A terminal at the driver's seam, where the web takes it up, beside the Engine's own exec socket with the same shell.

Both are read in one loop, of the kind the web process runs in.
"""

import asyncio
import os
import resource
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

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
SILENCE = b"sleep 1000\r"
INTERRUPTED = b"^C"
NEIGHBOURS = 4
BULK_TURNS = 3
FLOOD_S = 0.5
# As connection.js does.
ACK_BYTES = 16 * 1024
RAW_NODE = {"name": "raw", "image": "base", "memory_mib": 128, "cpus": 1.0, "pids": 64}


def measure(world: World) -> Iterator[Figure]:
    names = ("node", *(f"near{n}" for n in range(NEIGHBOURS)))
    with raw_lab(world, [RAW_NODE], ROOT / "sandbox_images") as lab, sandbox(world, *names) as spec:
        found = uvloop.run(measured(world, spec, lab.shells[0]))
    middle = {name: percentile(samples, 50) for name, samples in found.items()}
    echo, raw_echo, idle = found["echo"], found["raw echo"], middle["echo"]
    yield Figure("key to echo, p50 ms", idle, middle["raw echo"], at_most=0.5)
    yield Figure("key to echo, p99 ms", percentile(echo, 99), percentile(raw_echo, 99), at_most=3)
    yield Figure("bulk output, MB/s", middle["bulk"], middle["raw bulk"], at_least=2)
    yield Figure("processor time for 50 MB, s", middle["cpu"], at_most=0.45)
    yield Figure("memory of an unread terminal, MB", middle["unread"], at_most=1)
    yield Figure("Ctrl-C in a flood to its echo, p50 ms", middle["interrupted"], idle, at_most=2)
    # The shell buries the program before it asks on, which takes longer than an echo without any flood, too.
    yield Figure("Ctrl-C in a flood to prompt, p50 ms", middle["prompt"], middle["prompt at rest"], at_most=2)
    yield Figure("Ctrl-C in a flood to prompt beside a key to echo, p50 ms", middle["prompt"], idle)
    yield Figure(f"key to echo beside {NEIGHBOURS} floods, p50 ms", middle["beside"], idle, at_most=2)


async def measured(world: World, spec: SandboxSpec, shell: RawShell) -> dict[str, list[float]]:
    """Every sample by name: milliseconds, megabytes per second, seconds, megabytes."""
    found = defaultdict[str, list[float]](list)
    keys = world.times(200)
    shell.socket.setblocking(False)
    async with attached(world, spec, "node", 1) as view:
        for _key in range(keys):
            found["raw echo"].append(await raw_key(shell))
            found["echo"].append(await view.key())
        for _turn in range(BULK_TURNS):
            found["raw bulk"].append(await raw_bulk(shell))
            speed, cpu_s = await bulk(view)
            found["bulk"].append(speed)
            found["cpu"].append(cpu_s)
        for _turn in range(world.times(10)):
            found["prompt at rest"].append(await ctrl_c_at_rest(view))
            echo_ms, prompt_ms = await ctrl_c(view)
            found["interrupted"].append(echo_ms)
            found["prompt"].append(prompt_ms)
    found["unread"] = [await unread_mb(world, spec)]
    # A terminal that has said nothing yet: what an old one keeps would be read first.
    async with attached(world, spec, "node", 3) as view:
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


async def bulk(view: View) -> tuple[float, float]:
    """Megabytes per second, and this process' seconds of processor time."""
    began, cpu = time.perf_counter(), time.process_time()
    await view.terminal.write(BULK.format(BULK_BYTES).encode())
    await view.until(BULK_OVER)
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    await view.until(PROMPT)
    return BULK_BYTES / 1e6 / took_s, cpu_s


async def ctrl_c(view: View) -> tuple[float, float]:
    """Milliseconds from Ctrl-C to its echo and to the prompt, while a flood is read as fast as it comes."""
    await view.terminal.write(FLOOD)
    until = time.perf_counter() + FLOOD_S
    while time.perf_counter() < until:
        await view.until(b"y\r\n")
    began = time.perf_counter()
    await view.terminal.write(b"\x03")
    await view.until(INTERRUPTED)
    echo_ms = (time.perf_counter() - began) * 1000
    await view.until(PROMPT)
    return echo_ms, (time.perf_counter() - began) * 1000


async def ctrl_c_at_rest(view: View) -> float:
    """Milliseconds from Ctrl-C to the prompt, when the program says nothing."""
    await view.terminal.write(SILENCE)
    await asyncio.sleep(FLOOD_S)
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


async def raw_key(shell: RawShell) -> float:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    await loop.sock_sendall(shell.socket, b"k")
    await raw_until(shell, b"k")
    took_ms = (time.perf_counter() - began) * 1000
    await loop.sock_sendall(shell.socket, b"\x15")
    await asyncio.sleep(0.005)
    return took_ms


async def raw_bulk(shell: RawShell) -> float:
    """Megabytes per second."""
    began = time.perf_counter()
    await asyncio.get_running_loop().sock_sendall(shell.socket, BULK.format(RAW_BULK_BYTES).encode())
    after = await raw_until(shell, BULK_OVER)
    took_s = time.perf_counter() - began
    if PROMPT not in after:
        await raw_until(shell, PROMPT, after)
    return RAW_BULK_BYTES / 1e6 / took_s


async def raw_until(shell: RawShell, marker: bytes, tail: bytes = b"") -> bytes:
    """What came with the end of ``marker``, after ``tail``."""
    loop = asyncio.get_running_loop()
    while marker not in tail:
        tail = tail[-len(marker) :] + await loop.sock_recv(shell.socket, 65536)
    return tail
