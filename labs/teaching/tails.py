"""Small live pictures of many terminals: each is watched silently, and drawn as text at a bounded pace and size."""

import asyncio
import logging
from contextlib import suppress

from labs.drivers.base import Driver, DriverError, Gap, Hello, Output, Resized, Watch
from labs.teaching.board import Watched
from labs.teaching.screens import Screen

log = logging.getLogger(__name__)

# Of what a terminal said since the last picture, only the end is drawn: more than a screenful scrolls away anyway.
TAIL_BYTES = 4 * 1024
LINES = 14
COLUMNS = 100
AGAIN_S = 5.0
MOST_WATCHED = 120


class Tail:
    """One terminal's picture. Reading is its own task; drawing happens when the wall asks."""

    def __init__(self, driver: Driver, watched: Watched) -> None:
        self.watched = watched
        self.screen = Screen()
        self.fresh = bytearray()
        self.heard = 0
        self.read_to = -1
        self.watch: Watch | None = None
        self.task = asyncio.create_task(self._read(driver))

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    async def draw(self) -> list[str]:
        """The last lines as text, after what came since the last time; lets as much come again."""
        data, self.fresh = bytes(self.fresh), bytearray()
        if len(data) > TAIL_BYTES:
            self.screen.skip()
            data = data[-TAIL_BYTES:]
        self.screen.feed(data)
        if self.watch is not None and self.read_to >= 0:
            with suppress(DriverError, OSError):
                await self.watch.ack(self.read_to)
        return [line[:COLUMNS] for line in self.screen.text()[-LINES:]]

    async def _read(self, driver: Driver) -> None:
        where = self.watched
        while True:
            try:
                self.watch = await driver.watch(where.ref, where.node, 1, offset=0)
                try:
                    self._greet(self.watch.hello)
                    await self._listen(self.watch)
                finally:
                    watch, self.watch = self.watch, None
                    await watch.close()
            except (DriverError, OSError) as error:
                log.debug("no picture of %s of %s: %s", where.node, where.ref, error)
            await asyncio.sleep(AGAIN_S)

    def _greet(self, hello: Hello) -> None:
        self.screen = Screen(hello.cols or 80, hello.rows or 24)
        self.fresh.clear()
        self.read_to = hello.offset

    async def _listen(self, watch: Watch) -> None:
        async for event in watch:
            match event:
                case Output(offset=offset, data=data):
                    self.fresh += data
                    if len(self.fresh) > 2 * TAIL_BYTES:
                        del self.fresh[: -TAIL_BYTES - 1]
                    self.read_to = offset + len(data)
                    self.heard += len(data)
                case Gap(offset=offset):
                    self.fresh.clear()
                    self.screen.skip()
                    self.read_to = offset
                case Resized(cols=cols, rows=rows):
                    self.screen.resize(cols, rows)


class Tails:
    """The pictures of a wall: one task per terminal, started and ended as terminals come and go."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.kept: dict[Watched, Tail] = {}
        self.shown: dict[str, tuple[str, list[str]]] = {}
        self.busiest: dict[str, Tail] = {}

    async def look_at(self, wanted: list[Watched]) -> None:
        """Exactly these terminals are watched, at most MOST_WATCHED of them."""
        now = dict.fromkeys(wanted[:MOST_WATCHED])
        for watched in [seen for seen in self.kept if seen not in now]:
            await self.kept.pop(watched).stop()
            self.shown.pop(watched.session, None)
            self.busiest.pop(watched.session, None)
        for watched in now:
            if watched not in self.kept:
                self.kept[watched] = Tail(self.driver, watched)

    async def changed(self) -> list[dict[str, object]]:
        """The pictures that differ from those told before: of each session, the terminal that spoke last."""
        for tail in self.kept.values():
            if tail.heard or tail.watched.session not in self.busiest:
                self.busiest[tail.watched.session] = tail
            tail.heard = 0
        news: list[dict[str, object]] = []
        for session, tail in self.busiest.items():
            picture = (tail.watched.node, await tail.draw())
            if self.shown.get(session) != picture:
                self.shown[session] = picture
                news.append({"session": session, "node": picture[0], "lines": picture[1]})
        await self._let_go()
        return news

    async def _let_go(self) -> None:
        """What is not shown is read on, too, so that nothing old is shown later."""
        for tail in self.kept.values():
            if self.busiest.get(tail.watched.session) is not tail:
                await tail.draw()

    async def stop(self) -> None:
        for tail in self.kept.values():
            tail.task.cancel()
        await asyncio.gather(*(tail.task for tail in self.kept.values()), return_exceptions=True)
        self.kept.clear()
