"""Commands typed into one terminal as a person would: at a readable pace, waiting for the shell after each line."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from labs.drivers.base import Driver, DriverError, Exited, Gap, Output, Resized, Watch
from labs.terminals import Pen, Place

# A shell's line editor turns bracketed paste on when it begins to read a line, and off when the line was read.
READS = re.compile(rb"\x1b\[\?2004([hl])")
HALF_A_SIGN = 7
SHELL_WAIT_S = 20.0
LINE_WAIT_S = 20.0
COMMAND_WAIT_S = 180.0
SETTLE_S = 0.15
PAUSE_S = 0.4
INTERRUPT = b"\x03"
# Goes to the end of the line and clears it.
CLEAR = b"\x05\x15"
# A tab would complete; quoted, it is typed.
QUOTED_TAB = "\x16\t"
# What an interactive shell might take for a word out of its history.
RECALLS = re.compile(r"![^\s=(]")
WITHOUT_RECALL = "set +H"


class NotPlayable(Exception):
    """The terminal does not do its part; ``code`` says what is wrong."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Pace:
    """Seconds per key, and the most that all keys of one command take; the pause before each command's last key."""

    key_s: float
    most_s: float
    pause_s: float = PAUSE_S

    def of(self, command: str) -> float:
        return min(self.key_s, self.most_s / max(1, len(command)))


PACES = {
    "slow": Pace(0.06, 40, 1.2),
    "normal": Pace(0.03, 15, 0.6),
    "fast": Pace(0.01, 4, 0.2),
}
AT_ONCE = Pace(0, 0, 0)


async def _nothing() -> None:
    return None


class Typist:
    """At one node's first terminal; ``async with`` waits for its shell. Leaving by an error interrupts what runs."""

    def __init__(self, driver: Driver, ref: str, node: str) -> None:
        self.driver = driver
        self.place = Place(ref, node, 1)
        self.pen = Pen(self.place, driver)
        self.read_to = 0
        self.size = (80, 24)
        self.reads = 0
        self.is_reading = False
        self.recalls = True
        self.failure: NotPlayable | None = None
        self.news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        try:
            self.watch = await self.driver.watch(self.place.ref, self.place.node, 1, offset=0)
            self.listening = asyncio.create_task(self._listen(self.watch))
        except DriverError as error:
            raise NotPlayable("lost") from error
        try:
            self.read_to = self.watch.hello.offset
            self.size = (self.watch.hello.cols or 80, self.watch.hello.rows or 24)
            await self._write(b"")
            await self._until(lambda: self.is_reading, SHELL_WAIT_S, "no_prompt")
            await self._settle()
            await self._write(CLEAR)
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is not None:
            with suppress(DriverError, NotPlayable):
                await self._write(INTERRUPT)
        await self._leave()

    async def play(
        self, command: str, pace: Pace, before_end: Callable[[], Awaitable[None]] = _nothing
    ) -> None:
        """The command was typed, line by line, and the shell reads the next one. Raises NotPlayable.

        ``before_end`` is awaited before the key that ends the command; what it raises leaves the command unended.
        """
        if self.recalls and RECALLS.search(command):
            self.recalls = False
            await self.play(WITHOUT_RECALL, pace)
        *lines, last = command.split("\n")
        key_s = pace.of(command)
        for line in lines:
            await self._type(line, key_s)
            await self._enter(LINE_WAIT_S)
        await self._type(last, key_s)
        await asyncio.sleep(pace.pause_s)
        await before_end()
        await self._enter(COMMAND_WAIT_S)

    async def _type(self, line: str, key_s: float) -> None:
        if not key_s:
            await self._write(line.replace("\t", QUOTED_TAB).encode())
            return
        for sign in line:
            await self._write((QUOTED_TAB if sign == "\t" else sign).encode())
            await asyncio.sleep(key_s)

    async def _enter(self, within_s: float) -> None:
        before = self.reads
        await self._write(b"\r")
        await self._until(lambda: self.reads > before and self.is_reading, within_s, "no_end")

    async def _write(self, data: bytes) -> None:
        if self.failure:
            raise self.failure
        try:
            await self.pen.write(data, self.read_to, self.size)
        except DriverError as error:
            raise NotPlayable("lost") from error

    async def _until(self, is_true: Callable[[], bool], within_s: float, otherwise: str) -> None:
        try:
            async with asyncio.timeout(within_s), self.news:
                await self.news.wait_for(lambda: self.failure or is_true())
        except TimeoutError as error:
            raise NotPlayable(otherwise) from error
        if self.failure:
            raise self.failure

    async def _settle(self) -> None:
        """What the terminal had said before was read to its end, and the shell still reads."""
        seen = -1
        while seen != self.read_to or not self.is_reading:
            seen = self.read_to
            await asyncio.sleep(SETTLE_S)
            if not self.is_reading:
                await self._until(lambda: self.is_reading, SHELL_WAIT_S, "no_prompt")

    async def _listen(self, watch: Watch) -> None:
        tail = b""
        failure = NotPlayable("lost")
        try:
            async for event in watch:
                match event:
                    case Output(offset=offset, data=data):
                        await watch.ack(offset + len(data))
                        tail = await self._take(tail + data, offset + len(data))
                    case Gap(offset=offset):
                        self.read_to, tail = offset, b""
                    case Resized(cols=cols, rows=rows):
                        self.size = (cols, rows)
                        await self.pen.resize(cols, rows)
                    case Exited():
                        failure = NotPlayable("shell_ended")
                        break
        except DriverError:
            pass
        async with self.news:
            self.failure = failure
            self.news.notify_all()

    async def _take(self, said: bytes, read_to: int) -> bytes:
        """The state after ``said``; what may be the beginning of a sign is looked at again with what follows."""
        end = 0
        async with self.news:
            for sign in READS.finditer(said):
                end = sign.end()
                self.is_reading = sign[1] == b"h"
                self.reads += self.is_reading
            self.read_to = read_to
            self.news.notify_all()
        return said[max(end, len(said) - HALF_A_SIGN) :]

    async def _leave(self) -> None:
        self.listening.cancel()
        with suppress(asyncio.CancelledError):
            await self.listening
        await self.pen.put_down()
        await self.watch.close()
