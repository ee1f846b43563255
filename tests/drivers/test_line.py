"""What a keeper says, taken apart wherever the kernel cut it."""

import asyncio
import struct
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.drivers.base import CHUNK_BYTES, DriverError, Exited, Hello, NodeGone, Output, Resized
from labs.drivers.docker import wire
from labs.drivers.docker.terminal import TURN_BYTES, UNREAD_BYTES, DockerWatch, Line
from labs.drivers.docker.wire import Frame

GREETING = wire.pack(Frame.HELLO, struct.pack("!16sQQHH", bytes(16), 0, 0, 80, 24))
HELLO = Hello(bytes(16).hex(), 0, 0, 80, 24)


class Socket:
    """A transport that only remembers what it was told."""

    def __init__(self) -> None:
        self.paused = self.closed = False

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def output(offset: int, data: bytes) -> bytes:
    return wire.pack(Frame.OUTPUT, struct.pack("!Q", offset) + data)


def hear(line: Line, data: bytes, cuts: Iterable[int] = ()) -> None:
    """The line reads ``data`` in pieces that end at ``cuts``, and wherever a buffer is full."""
    bounds = sorted(
        {0, len(data), *(cut for cut in cuts if cut < len(data)), *range(0, len(data), TURN_BYTES)}
    )
    for start, end in pairwise(bounds):
        line.get_buffer(-1)[: end - start] = data[start:end]
        line.buffer_updated(end - start)


def on_a_line(act: Any) -> None:
    async def run() -> None:
        line, socket = Line(), Socket()
        line.connection_made(socket)  # type: ignore[arg-type]
        await act(line, socket)

    asyncio.run(run())


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.sets(st.integers(1, 2500)))
def test_nothing_is_lost_or_repeated_wherever_the_stream_is_cut(pieces, cuts):
    said, offset, stream = [], 0, GREETING
    for piece in pieces:
        said.append(Output(offset, piece))
        stream += output(offset, piece)
        offset += len(piece)
    stream += wire.resize(100, 30).replace(bytes([Frame.RESIZE]), bytes([Frame.RESIZED]), 1)
    stream += wire.pack(Frame.EXIT, struct.pack("!i", 3))

    async def act(line: Line, _socket: Socket) -> None:
        hear(line, stream, cuts)
        assert await line.greeting == HELLO
        heard = [line.next() for _event in list(line.unread)]
        assert heard == [*said, Resized(100, 30), Exited(3)]
        assert line.unread_bytes == 0

    on_a_line(act)


def test_it_is_not_listened_to_while_much_is_unread():
    async def act(line: Line, socket: Socket) -> None:
        hear(line, GREETING)
        offset = 0
        while not socket.paused:
            hear(line, output(offset, bytes(CHUNK_BYTES)))
            offset += CHUNK_BYTES
            assert offset <= UNREAD_BYTES
        while socket.paused:
            line.next()
        assert line.unread_bytes < UNREAD_BYTES

    on_a_line(act)


@pytest.mark.parametrize("said", [GREETING, bytes([0x55, 0, 0, 0, 0]), wire.pack(Frame.OUTPUT, b"x")])
def test_what_no_keeper_would_say_ends_it(said):
    async def act(line: Line, socket: Socket) -> None:
        hear(line, GREETING + output(0, b"kept") + said)
        watch = DockerWatch(line, HELLO)
        assert await anext(watch) == Output(0, b"kept")
        with pytest.raises(DriverError):
            await anext(watch)
        assert socket.closed

    on_a_line(act)


def test_a_keeper_that_goes_before_its_greeting_is_gone():
    async def act(line: Line, _socket: Socket) -> None:
        line.connection_lost(None)
        with pytest.raises(NodeGone):
            await line.greeting

    on_a_line(act)


def test_taken_input_is_told_to_whoever_types():
    async def act(line: Line, _socket: Socket) -> None:
        told = []
        line.on_taken = lambda: told.append(line.taken)
        hear(line, GREETING + wire.pack(Frame.TAKEN, struct.pack("!Q", 7)))
        assert told == [7]
        assert not line.unread

    on_a_line(act)
