"""One talk with the files program of a node: frames over its standard streams, bounded in size and time.

What the program answers was said inside the node. It is data, never trusted to be well formed.
"""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from socket import socket

from labs.drivers.base import DriverError
from labs.engine import get_driver
from labs.files.places import Place
from labs.files.refusals import FileChanged, FileRefused, NodeSilent

LENGTH = struct.Struct("!I")
LONGEST_FRAME = 64 * 1024
PATIENCE_S = 20.0
STREAM_PATIENCE_S = 30.0


class Talk:
    """Wishes out, frames in. Raises NodeSilent for whatever is not an answer."""

    def __init__(self, way: socket, patience_s: float) -> None:
        self._way = way
        self._deadline = time.monotonic() + patience_s

    def ask(self, verb: bytes, path: bytes, argument: bytes = b"") -> None:
        self._send(_packed(verb) + _packed(path) + _packed(argument))

    def begin(self) -> None:
        """The wish is being met from here on. Raises FileRefused or FileChanged."""
        self.expect(b"ok")

    def expect(self, word: bytes) -> None:
        said = self.frame()
        if said == b"conflict":
            raise FileChanged
        if said != word:
            raise FileRefused(said[:40].decode(errors="replace"))

    def send_content(self, parts: Iterable[bytes]) -> None:
        """A program that said no meanwhile does not listen; its answer tells why."""
        try:
            for part in parts:
                for at in range(0, len(part), LONGEST_FRAME):
                    self._send(_packed(part[at : at + LONGEST_FRAME]))
            self._send(_packed(b""))
        except NodeSilent:
            return

    def parts(self) -> Iterator[bytes]:
        """Every frame up to the empty one."""
        while part := self.frame():
            yield part

    def frame(self) -> bytes:
        length = LENGTH.unpack(self._exactly(LENGTH.size))[0]
        if length > LONGEST_FRAME:
            raise NodeSilent
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            try:
                self._way.settimeout(self._left_s())
                part = self._way.recv(length - len(data))
            except OSError as error:
                raise NodeSilent from error
            if not part:
                raise NodeSilent
            data += part
        return bytes(data)

    def _send(self, data: bytes) -> None:
        try:
            self._way.settimeout(self._left_s())
            self._way.sendall(data)
        except OSError as error:
            raise NodeSilent from error

    def _left_s(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise NodeSilent
        return left


@contextmanager
def talk(place: Place, patience_s: float = PATIENCE_S) -> Iterator[Talk]:
    way = _way_to(place)
    with way:
        yield Talk(way, patience_s)


def stream(place: Place, verb: bytes, path: bytes, argument: bytes, limit: int) -> AsyncIterator[bytes]:
    """The content that the wish answers with, once the node has said yes; read as fast as it is taken.

    Raises FileRefused. An answer without its end, or longer than ``limit`` bytes, ends the iteration with NodeSilent.
    """
    way = _way_to(place)
    try:
        asked = Talk(way, PATIENCE_S)
        asked.ask(verb, path, argument)
        asked.begin()
    except BaseException:
        way.close()
        raise
    return _Content(way, limit)


class _Content:
    """Closes its way when it ends, is closed, or is thrown away unread."""

    def __init__(self, way: socket, limit: int) -> None:
        self._way, self._left = way, limit
        way.setblocking(False)

    def __aiter__(self) -> "_Content":
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout(STREAM_PATIENCE_S):
                length = LENGTH.unpack(await self._exactly(LENGTH.size))[0]
                self._left -= length
                if length > LONGEST_FRAME or self._left < 0:
                    raise NodeSilent
                part = await self._exactly(length)
        except (OSError, TimeoutError) as error:
            self.close()
            raise NodeSilent from error
        except BaseException:
            self.close()
            raise
        if not part:
            self.close()
            raise StopAsyncIteration
        return part

    async def _exactly(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            part = await asyncio.get_running_loop().sock_recv(self._way, length - len(data))
            if not part:
                raise NodeSilent
            data += part
        return bytes(data)

    def close(self) -> None:
        self._way.close()


def _way_to(place: Place) -> socket:
    try:
        return get_driver().open_files(place.ref, place.node)
    except DriverError as error:
        raise NodeSilent from error


def _packed(data: bytes) -> bytes:
    if len(data) > LONGEST_FRAME:
        raise FileRefused("bad_name")
    return LENGTH.pack(len(data)) + data
