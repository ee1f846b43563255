"""Terminals of the fake engine: a line shell and a ring in memory, with the flow rules of a real keeper."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

from labs.drivers.base import (
    CHUNK_BYTES,
    RING_BYTES,
    WINDOW_BYTES,
    Exited,
    Gap,
    Hello,
    Modes,
    NodeGone,
    Output,
    Resized,
    TerminalEvent,
)

PROMPT = b"$ "


class FakeTerminal:
    """One viewer of a terminal; one that only watches counts for nothing."""

    def __init__(self, shell: "FakeShell", hello: Hello, *, watching: bool = False) -> None:
        self.hello = hello
        self.watching = watching
        self.modes_seen: tuple[bool, bool] | None = None
        self.cols, self.rows = hello.cols, hello.rows
        self.cursor = self.acked = hello.offset
        self.exits_seen = shell.exits
        self.size_seen = (hello.cols, hello.rows)
        self.typed = 0
        self.closed = False
        self.changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._shell = shell

    def wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.changed.set)

    async def __aiter__(self) -> AsyncIterator[TerminalEvent]:
        while not self.closed:
            self.changed.clear()
            with self._shell.lock:
                event = self._shell.next_event(self)
            if event is not None:
                yield event
            elif self._shell.gone:
                raise NodeGone("The node stopped.")
            else:
                await self.changed.wait()

    async def write(self, data: bytes) -> None:
        self._shell.type_in(self, data)

    async def resize(self, cols: int, rows: int) -> None:
        self._shell.resize(self, cols, rows)

    async def ack(self, offset: int) -> None:
        self._shell.acknowledge(self, offset)

    async def close(self) -> None:
        self._shell.leave(self)


class FakeShell:
    """A terminal's shell and ring. ``pending`` is what the shell has to say and may not yet."""

    def __init__(self, stand_s: float) -> None:
        self.lock = threading.RLock()
        self.stand_s = stand_s
        self.ring = bytearray()
        self.end = self.hold = self.exits = self.exit_at = self.code = self.keystrokes = 0
        self.pending = bytearray()
        self.line = bytearray()
        self.running = self.gone = False
        self.full_since: float | None = None
        self.size = (0, 0)
        self.echo = True
        self.viewers: list[FakeTerminal] = []

    @property
    def start(self) -> int:
        return self.end - len(self.ring)

    def attach(self, epoch: str, offset: int, cols: int, rows: int) -> FakeTerminal:
        with self.lock:
            self._settle()
            if not self.running:
                self.running = True
                self.size = (cols, rows)
                self.pending += PROMPT
            elif not self._leader():
                self.size = (cols, rows)
            viewer = FakeTerminal(self, self._hello(epoch, offset))
            viewer.cols, viewer.rows = cols, rows
            self.viewers.append(viewer)
            self.full_since = None
            self._settle()
            return viewer

    def watch(self, epoch: str, offset: int) -> FakeTerminal:
        with self.lock:
            self._settle()
            viewer = FakeTerminal(self, self._hello(epoch, offset), watching=True)
            self.viewers.append(viewer)
            return viewer

    def _hello(self, epoch: str, offset: int) -> Hello:
        first = offset if self.start <= offset <= self.end else self.start
        return Hello(epoch, first, max(0, self.start - offset), *self.size)

    def leave(self, viewer: FakeTerminal) -> None:
        with self.lock:
            viewer.closed = True
            if viewer in self.viewers:
                self.viewers.remove(viewer)
                self.hold = self.hold if viewer.watching else viewer.acked
            self._settle()
            viewer.wake()

    def type_in(self, viewer: FakeTerminal, data: bytes) -> None:
        with self.lock:
            self.keystrokes += 1
            viewer.typed = self.keystrokes
            self.size = (viewer.cols, viewer.rows)
            for byte in data if self.running else b"":
                if byte in b"\r\n":
                    self.pending += b"\r\n"
                    self._obey(bytes(self.line).decode(errors="replace"))
                    self.line.clear()
                else:
                    self.pending += bytes([byte]) if self.echo else b""
                    self.line.append(byte)
            self._settle()

    def resize(self, viewer: FakeTerminal, cols: int, rows: int) -> None:
        with self.lock:
            viewer.cols, viewer.rows = cols, rows
            if self._leader() is viewer:
                self.size = (cols, rows)
            self._settle()

    def acknowledge(self, viewer: FakeTerminal, offset: int) -> None:
        with self.lock:
            viewer.acked = max(viewer.acked, min(offset, viewer.cursor))
            self._settle()

    def die(self) -> None:
        with self.lock:
            self.gone = True
            self._settle()

    def next_event(self, viewer: FakeTerminal) -> TerminalEvent | None:
        untold = viewer.exits_seen != self.exits
        if viewer.size_seen != self.size:
            viewer.size_seen = self.size
            return Resized(*self.size)
        modes = self._modes()
        if viewer.watching and modes is not None and modes != viewer.modes_seen:
            viewer.modes_seen = modes
            return Modes(self.end, *modes)
        if untold and viewer.cursor >= self.exit_at:
            viewer.exits_seen = self.exits
            return Exited(self.code)
        if viewer.cursor - viewer.acked >= WINDOW_BYTES:
            return None
        if viewer.cursor < self.start:
            missed = max(self.start, self.end - WINDOW_BYTES) - viewer.cursor
            viewer.cursor += missed
            viewer.acked = viewer.cursor
            return Gap(viewer.cursor, missed)
        until = self.exit_at if untold else self.end
        room = min(CHUNK_BYTES, until - viewer.cursor, WINDOW_BYTES - (viewer.cursor - viewer.acked))
        if room <= 0:
            return None
        at = viewer.cursor - self.start
        event = Output(viewer.cursor, bytes(self.ring[at : at + room]))
        viewer.cursor += room
        return event

    def _leader(self) -> FakeTerminal | None:
        attached = [viewer for viewer in self.viewers if not viewer.watching]
        return max(attached, key=lambda viewer: viewer.typed, default=None)

    def _modes(self) -> tuple[bool, bool] | None:
        """Echo, and lines: a shell's own editor, which this one has not, would turn off both."""
        return (self.echo, True) if self.running else None

    def _room(self) -> int:
        leader = self._leader()
        if leader is not None:
            return max(0, WINDOW_BYTES - (self.end - leader.acked))
        unread = self.end - self.hold
        if unread < RING_BYTES:
            return RING_BYTES - unread
        if self.full_since is None:
            self.full_since = time.monotonic()
        return len(self.pending) if time.monotonic() - self.full_since >= self.stand_s else 0

    def _settle(self) -> None:
        while self.pending and (room := self._room()):
            said = self.pending[:room]
            del self.pending[:room]
            self.ring += said
            self.end += len(said)
            del self.ring[: max(0, len(self.ring) - RING_BYTES)]
        if not self.running and not self.pending and self.exit_at < 0:
            self.exit_at = self.end
            self.exits += 1
        for viewer in self.viewers:
            viewer.wake()

    def _obey(self, line: str) -> None:
        words = line.split()
        match words:
            case ["echo", *rest]:
                self.pending += " ".join(rest).encode() + b"\r\n"
            case ["seq", first, last] if first.isdigit() and last.isdigit():
                self.pending += b"".join(b"%d\r\n" % n for n in range(int(first), int(last) + 1))
            case ["stty", "size"]:
                self.pending += f"{self.size[1]} {self.size[0]}\r\n".encode()
            case ["stty", "echo" | "-echo" as wish]:
                self.echo = wish == "echo"
            case ["exit", *code]:
                self.running, self.exit_at = False, -1
                self.code = int(code[0]) if code and code[0].isdigit() else 0
                return
        self.pending += PROMPT
