"""One attachment to a node's keeper: bytes both ways over its socket, without a call to the engine."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Self

from labs.drivers.base import DriverBusy, DriverError, Hello, NodeGone, Output, TerminalEvent
from labs.drivers.docker import wire
from labs.drivers.docker.keepers import KeeperFolders

HELLO_WAIT_S = 5.0
STREAM_BYTES = 64 * 1024
UNREAD_BYTES = 512 * 1024
UNTYPED_BYTES = 1024 * 1024
UNSENT_BYTES = 256 * 1024
TYPING_WAIT_S = 5.0
EVENT_BYTES = 64

Said = TerminalEvent | Hello | wire.Taken | wire.Failed


class DockerWatch:
    """Reads what a terminal says and tells what was consumed. Holds at most half a MiB that nobody read yet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hello: Hello) -> None:
        self.hello = hello
        self._reader, self._writer = reader, writer
        self._unread: deque[TerminalEvent] = deque()
        self._unread_bytes = 0
        self._changed = asyncio.Condition()
        self._end: DriverError | None = None
        self._closed = False
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, folders: KeeperFolders, ref: str, node: str, wish: bytes) -> Self:
        """Greeted by the node's keeper after the frame ``wish``. Raises NodeGone, DriverBusy or DriverError."""
        try:
            async with asyncio.timeout(HELLO_WAIT_S):
                with folders.door(ref, node) as path:
                    reader, writer = await asyncio.open_unix_connection(path, limit=STREAM_BYTES)
                try:
                    writer.write(wish)
                    hello = await _hello(reader, node)
                except BaseException:
                    writer.close()
                    raise
        except TimeoutError as error:
            raise DriverBusy(f"{node} does not answer; it may be suspended.") from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise NodeGone(f"{node} is not running.") from error
        except wire.BrokenFrame as error:
            raise DriverError(f"The keeper of {node} sent {error}.") from error
        return cls(reader, writer, hello)

    async def __aiter__(self) -> AsyncIterator[TerminalEvent]:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._unread or self._end or self._closed)
                if self._closed:
                    return
                if not self._unread:
                    raise self._end or NodeGone("The node stopped.")
                event = self._unread.popleft()
                self._unread_bytes -= _weight(event)
                self._changed.notify_all()
            yield event

    async def ack(self, offset: int) -> None:
        self._send(wire.ack(max(0, min(offset, 2**63))))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
        async with self._changed:
            self._changed.notify_all()

    async def _listen(self) -> None:
        try:
            while True:
                await self._take(await _next(self._reader))
        except (OSError, asyncio.IncompleteReadError):
            self._end = NodeGone("The node stopped.")
        except wire.BrokenFrame as error:
            self._end = DriverError(f"The keeper sent {error}.")
        async with self._changed:
            self._changed.notify_all()

    async def _take(self, said: Said) -> None:
        async with self._changed:
            if isinstance(said, Hello | wire.Failed):
                raise wire.BrokenFrame("a second greeting")
            if isinstance(said, wire.Taken):
                self._take_on(said.total)
            else:
                self._unread.append(said)
                self._unread_bytes += _weight(said)
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self._unread_bytes < UNREAD_BYTES)

    def _take_on(self, _total: int) -> None:
        """The terminal has taken ``_total`` bytes of input; nothing was typed here."""

    def _send(self, frame: bytes) -> None:
        self._raise_if_over()
        if self._writer.transport.get_write_buffer_size() > UNSENT_BYTES:
            raise DriverBusy("The node does not take what it is sent; it may be suspended.")
        self._writer.write(frame)

    def _raise_if_over(self) -> None:
        if self._end:
            raise self._end
        if self._closed:
            raise NodeGone("This terminal was closed.")


class DockerTerminal(DockerWatch):
    """Types, too: holds at most one MiB that the terminal did not take yet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hello: Hello) -> None:
        super().__init__(reader, writer, hello)
        self._untyped = bytearray()
        self._typed = self._taken = 0

    async def write(self, data: bytes) -> None:
        """``data`` is on its way; what the terminal cannot take yet waits here. Raises DriverBusy beyond one MiB."""
        self._raise_if_over()
        if len(self._untyped) + len(data) > UNTYPED_BYTES:
            await self._wait_for_room(len(data))
        self._untyped += data
        self._type()

    async def resize(self, cols: int, rows: int) -> None:
        self._send(wire.resize(_dimension(cols), _dimension(rows)))

    def _take_on(self, total: int) -> None:
        self._taken = total
        self._type()

    async def _wait_for_room(self, length: int) -> None:
        try:
            async with asyncio.timeout(TYPING_WAIT_S), self._changed:
                await self._changed.wait_for(
                    lambda: self._end or self._closed or len(self._untyped) + length <= UNTYPED_BYTES
                )
        except TimeoutError as error:
            raise DriverBusy("The program in the terminal does not read what is typed.") from error
        self._raise_if_over()

    def _type(self) -> None:
        while self._untyped and (room := wire.INPUT_BYTES - (self._typed - self._taken)) > 0:
            part = bytes(self._untyped[:room])
            del self._untyped[:room]
            self._typed += len(part)
            self._writer.write(wire.pack(wire.Frame.INPUT, part))


async def _next(reader: asyncio.StreamReader) -> Said:
    frame, length = wire.header(await reader.readexactly(wire.HEADER.size))
    return wire.event(frame, await reader.readexactly(length))


async def _hello(reader: asyncio.StreamReader, node: str) -> Hello:
    first = await _next(reader)
    if isinstance(first, wire.Failed):
        raise DriverBusy(f"{node}: {first.reason}.")
    if not isinstance(first, Hello):
        raise wire.BrokenFrame("no greeting")
    return first


def _dimension(size: int) -> int:
    return max(1, min(size, 1000))


def _weight(event: TerminalEvent) -> int:
    return EVENT_BYTES + (len(event.data) if isinstance(event, Output) else 0)
