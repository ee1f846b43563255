"""Watches every terminal there is and writes down what they say; knows drivers and files, and no database."""

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from labs.drivers.base import (
    Driver,
    DriverBusy,
    DriverError,
    Gap,
    NodeGone,
    Output,
    Resized,
    TerminalEvent,
    Watch,
)
from labs.recordings.journal import Journal
from labs.recordings.tape import FLUSH_BYTES, Limits, Tape

log = logging.getLogger(__name__)

FLUSH_EVERY_S = 0.05
GONE_PAUSE_S = 1.0
BUSY_PAUSE_S = 5.0
TROUBLE_PAUSE_S = 10.0


@dataclass(frozen=True)
class Spot:
    """A terminal of a lab session's node."""

    session: str
    ref: str
    node: str
    terminal: int


@dataclass(frozen=True)
class Kept:
    """A recording: of which life of the node, since when, in which file."""

    id: UUID
    epoch: str
    began_at: float
    path: Path


class ShelfTrouble(Exception):
    """Recordings cannot be looked up or entered just now."""


class Shelf(Protocol):
    """Where recordings are entered. Raises ShelfTrouble."""

    async def last(self, spot: Spot) -> Kept | None:
        """The recording of this terminal that has not ended."""

    async def begin(self, spot: Spot, epoch: str) -> Kept: ...

    async def end(self, kept: Kept) -> None: ...


class Recorder:
    """One task per terminal that is followed, and one that writes what they took, at most FLUSH_EVERY_S old."""

    def __init__(self, driver: Driver, shelf: Shelf, limits: Limits | None = None) -> None:
        self._driver, self._shelf, self._limits = driver, shelf, limits or Limits()
        self._wanted: set[Spot] = set()
        self._tasks: dict[Spot, asyncio.Task[None]] = {}
        self._unwritten: set[Tape] = set()
        self._taken = asyncio.Event()
        self._flushing = asyncio.create_task(self._flush_again_and_again())

    @property
    def busy_with(self) -> set[Spot]:
        """Where something may still be written."""
        return set(self._tasks)

    def follow(self, spots: Iterable[Spot]) -> None:
        """These are recorded from now on; whichever is no longer among them, until its node is gone."""
        self._wanted = set(spots)
        for spot in self._wanted - set(self._tasks):
            self._tasks[spot] = asyncio.create_task(self._follow(spot))

    async def close(self) -> None:
        """Everything taken is written and nothing is watched."""
        tasks = [self._flushing, *self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, spot: Spot) -> None:
        while True:
            try:
                await self._record(spot)
                pause_s = TROUBLE_PAUSE_S
            except NodeGone:
                pause_s = GONE_PAUSE_S
            except DriverBusy:
                pause_s = BUSY_PAUSE_S
            except (DriverError, OSError, ValueError, ShelfTrouble) as error:
                log.warning("terminal %s of %s in %s: %s", spot.terminal, spot.node, spot.ref, error)
                pause_s = TROUBLE_PAUSE_S
            if spot not in self._wanted:
                del self._tasks[spot]
                return
            await asyncio.sleep(pause_s)

    async def _record(self, spot: Spot) -> None:
        """Returns when the recording is full; NodeGone and the like end it earlier."""
        kept = await self._shelf.last(spot)
        if kept is not None:
            await self._go_on(spot, kept)
            return
        watch = await self._driver.watch(spot.ref, spot.node, spot.terminal, offset=0)
        try:
            await self._begin(spot, watch)
        finally:
            await watch.close()

    async def _go_on(self, spot: Spot, kept: Kept) -> None:
        tape = self._tape(kept, 80, 24)
        try:
            if tape.is_full:
                return
            watch = await self._driver.watch(spot.ref, spot.node, spot.terminal, offset=tape.journal.offset)
            try:
                if watch.hello.epoch != kept.epoch:
                    await self._shelf.end(kept)
                    raise NodeGone("The node runs anew.")
                if watch.hello.gap:
                    self._take(tape, Gap(watch.hello.offset, watch.hello.gap))
                await self._write(tape, watch)
            finally:
                await watch.close()
        finally:
            self._unwritten.discard(tape)
            tape.close()

    async def _begin(self, spot: Spot, watch: Watch) -> None:
        """A terminal that says nothing has no recording."""
        cols, rows = watch.hello.cols, watch.hello.rows
        async for event in watch:
            match event:
                case Resized():
                    cols, rows = event.cols, event.rows
                case Output():
                    kept = await self._shelf.begin(spot, watch.hello.epoch)
                    tape = self._tape(kept, cols or 80, rows or 24)
                    try:
                        if event.offset > tape.journal.offset:
                            self._take(tape, Gap(event.offset, event.offset - tape.journal.offset))
                        self._take(tape, event)
                        await self._write(tape, watch)
                    finally:
                        self._unwritten.discard(tape)
                        tape.close()
                    return
        raise NodeGone("The node stopped.")

    def _tape(self, kept: Kept, cols: int, rows: int) -> Tape:
        header = {
            "version": 2,
            "width": cols,
            "height": rows,
            "timestamp": int(kept.began_at),
            "env": {"TERM": "xterm-256color"},
        }
        return Tape(Journal.open(kept.path, header), kept.began_at, self._limits, time.time)

    async def _write(self, tape: Tape, watch: Watch) -> None:
        acked = watch.hello.offset
        async for event in watch:
            self._take(tape, event)
            if tape.is_full:
                return
            if isinstance(event, Output | Gap):
                end = event.offset + (len(event.data) if isinstance(event, Output) else 0)
                if end - acked >= FLUSH_BYTES:
                    acked = end
                    await watch.ack(end)
        raise NodeGone("The node stopped.")

    def _take(self, tape: Tape, event: TerminalEvent) -> None:
        tape.take(event)
        if tape.pending_bytes >= FLUSH_BYTES:
            tape.flush()
        else:
            self._unwritten.add(tape)
            self._taken.set()

    async def _flush_again_and_again(self) -> None:
        while True:
            await self._taken.wait()
            await asyncio.sleep(FLUSH_EVERY_S)
            self._taken.clear()
            while self._unwritten:
                # What cannot be written is kept, and tried again with what comes next.
                with suppress(OSError):
                    self._unwritten.pop().flush()
