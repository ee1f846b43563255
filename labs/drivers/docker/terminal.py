"""One attachment to a node's keeper: bytes both ways over its socket, without a call to the engine."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Self, cast

from labs.drivers.base import DriverBusy, DriverError, Hello, NodeGone, Output, TerminalEvent
from labs.drivers.docker import wire
from labs.drivers.docker.keepers import KeeperFolders
from labs.drivers.docker.precedence import precedence

HELLO_WAIT_S = 5.0
# One turn of the loop takes no more than this of one terminal, so that a flood leaves its neighbours theirs.
TURN_BYTES = 32 * 1024
UNREAD_BYTES = 512 * 1024
UNTYPED_BYTES = 1024 * 1024
UNSENT_BYTES = 256 * 1024
TYPING_WAIT_S = 5.0
# More at once was pasted, and nobody waits for its echo.
KEYS_BYTES = 64
EVENT_BYTES = 64

# What a socket is read into: one buffer a thread, as what was read is taken apart before the next socket is.
_reading = threading.local()


class Line(asyncio.BufferedProtocol):
    """What a keeper says, taken apart as it comes; it is not listened to while UNREAD_BYTES wait to be read."""

    def __init__(self) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._buffer = _buffer_of_this_thread()
        self.greeting: asyncio.Future[Hello | wire.Failed] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        self.unread: deque[TerminalEvent] = deque()
        self.unread_bytes = 0
        self.taken = 0
        self.on_taken: Callable[[], None] = lambda: None
        self.end: DriverError | None = None
        self.transport: asyncio.Transport
        self._part = b""
        self._paused = self._held = False
        self._precedence = precedence(loop)
        self._waiting: list[asyncio.Future[None]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, _hint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, length: int) -> None:
        data = self._part + memoryview(self._buffer)[:length]
        at = 0
        try:
            while taken := wire.take(data, at):
                said, at = taken
                self._take(said)
        except wire.BrokenFrame as error:
            self._over(DriverError(f"The keeper sent {error}."))
            self.transport.abort()
        self._part = data[at:]
        if self.unread_bytes >= UNREAD_BYTES:
            self._listen()
        self._precedence.said(self, length)
        self.wake()

    def connection_lost(self, _error: Exception | None) -> None:
        self._over(NodeGone("The node stopped."))
        self._precedence.gone(self)
        if not self.gone.done():
            self.gone.set_result(None)
        self.wake()

    def next(self) -> TerminalEvent:
        """The oldest event that nobody read yet."""
        event = self.unread.popleft()
        self.unread_bytes -= _weight(event)
        if self._paused:
            self._listen()
        return event

    def hold(self) -> None:
        self._held = True
        self._listen()

    def release(self) -> None:
        self._held = False
        self._listen()

    def typed(self, keys: bytes) -> None:
        """The keys are on their way, and go first."""
        self.transport.write(wire.pack(wire.Frame.INPUT, keys))
        self._precedence.typed(self)

    async def change(self) -> None:
        """Returns when anything was said or taken, or all is over."""
        waiting = self._loop.create_future()
        self._waiting.append(waiting)
        await waiting

    def wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    def _listen(self) -> None:
        """Listens, unless much is unread or somebody else's key goes first."""
        pause = self._held or self.unread_bytes >= UNREAD_BYTES
        if pause != self._paused and not self.transport.is_closing():
            self._paused = pause
            if pause:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def _take(self, said: wire.Said) -> None:
        if isinstance(said, Output) and self.greeting.done():
            self.unread.append(said)
            self.unread_bytes += EVENT_BYTES + len(said.data)
        elif not self.greeting.done():
            if not isinstance(said, Hello | wire.Failed):
                raise wire.BrokenFrame("no greeting")
            self.greeting.set_result(said)
        elif isinstance(said, Hello | wire.Failed):
            raise wire.BrokenFrame("a second greeting")
        elif isinstance(said, wire.Taken):
            self.taken = said.total
            self.on_taken()
        else:
            self.unread.append(said)
            self.unread_bytes += _weight(said)

    def _over(self, why: DriverError) -> None:
        self.end = self.end or why
        if not self.greeting.done():
            self.greeting.set_exception(why)


class DockerWatch:
    """Reads what a terminal says and tells what was consumed. Holds at most half a MiB that nobody read yet."""

    def __init__(self, line: Line, hello: Hello) -> None:
        self.hello = hello
        self._line = line
        self._closed = False

    @classmethod
    async def open(cls, folders: KeeperFolders, ref: str, node: str, wish: bytes) -> Self:
        """Greeted by the node's keeper after the frame ``wish``. Raises NodeGone, DriverBusy or DriverError."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(HELLO_WAIT_S):
                with folders.door(ref, node) as path:
                    transport, line = await loop.create_unix_connection(Line, path)
                try:
                    transport.write(wish)
                    greeting = await line.greeting
                    if isinstance(greeting, wire.Failed):
                        raise DriverBusy(f"{node}: {greeting.reason}.")
                except BaseException:
                    transport.close()
                    raise
        except TimeoutError as error:
            raise DriverBusy(f"{node} does not answer; it may be suspended.") from error
        except OSError as error:
            raise NodeGone(f"{node} is not running.") from error
        return cls(line, greeting)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> TerminalEvent:
        while not self._closed:
            if self._line.unread:
                return self._line.next()
            if self._line.end:
                raise self._line.end
            await self._line.change()
        raise StopAsyncIteration

    async def ack(self, offset: int) -> None:
        self._send(wire.ack(max(0, min(offset, 2**63))))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._line.transport.close()
        self._line.wake()
        await self._line.gone

    def _send(self, frame: bytes) -> None:
        self._raise_if_over()
        if self._line.transport.get_write_buffer_size() > UNSENT_BYTES:
            raise DriverBusy("The node does not take what it is sent; it may be suspended.")
        self._line.transport.write(frame)

    def _raise_if_over(self) -> None:
        if self._line.end:
            raise self._line.end
        if self._closed:
            raise NodeGone("This terminal was closed.")


class DockerTerminal(DockerWatch):
    """Types, too: holds at most one MiB that the terminal did not take yet."""

    def __init__(self, line: Line, hello: Hello) -> None:
        super().__init__(line, hello)
        self._untyped = bytearray()
        self._typed = 0
        line.on_taken = self._type

    async def write(self, data: bytes) -> None:
        """``data`` is on its way; what the terminal cannot take yet waits here. Raises DriverBusy beyond one MiB."""
        self._raise_if_over()
        if len(data) <= KEYS_BYTES and not self._untyped and self._room >= len(data):
            self._typed += len(data)
            self._line.typed(data)
            return
        if len(self._untyped) + len(data) > UNTYPED_BYTES:
            await self._wait_for_room(len(data))
        self._untyped += data
        self._type()

    async def resize(self, cols: int, rows: int) -> None:
        self._send(wire.resize(_dimension(cols), _dimension(rows)))

    async def _wait_for_room(self, length: int) -> None:
        try:
            async with asyncio.timeout(TYPING_WAIT_S):
                while len(self._untyped) + length > UNTYPED_BYTES and not self._line.end and not self._closed:
                    await self._line.change()
        except TimeoutError as error:
            raise DriverBusy("The program in the terminal does not read what is typed.") from error
        self._raise_if_over()

    def _type(self) -> None:
        while self._untyped and (room := self._room) > 0:
            part = bytes(self._untyped[:room])
            del self._untyped[:room]
            self._typed += len(part)
            self._line.transport.write(wire.pack(wire.Frame.INPUT, part))

    @property
    def _room(self) -> int:
        return wire.INPUT_BYTES - (self._typed - self._line.taken)


def _buffer_of_this_thread() -> bytearray:
    if not hasattr(_reading, "buffer"):
        _reading.buffer = bytearray(TURN_BYTES)
    buffer: bytearray = _reading.buffer
    return buffer


def _dimension(size: int) -> int:
    return max(1, min(size, 1000))


def _weight(event: TerminalEvent) -> int:
    return EVENT_BYTES + (len(event.data) if isinstance(event, Output) else 0)
