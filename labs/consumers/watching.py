"""An instructor at a learner's terminal: silently looking, and typing only by the learner's leave."""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import asdict

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError

from community.api import User
from labs import terminals
from labs.consumers.seats import Code, Goodbye, Seat
from labs.consumers.terminal import TerminalConsumer
from labs.drivers.base import Gap, NodeGone, Output, Resized, Watch
from labs.models import Deed, LabSession
from labs.notices import BROKER_AWAY, group_of
from labs.teaching import helping
from labs.teaching.recording import record

log = logging.getLogger(__name__)

QUIET_S = 3.0
SAID_EVERY_S = 1.0


class WatchConsumer(TerminalConsumer):
    """As a terminal's socket, but nothing it does starts, paces or sizes the terminal; it types while leave stands."""

    person: User
    pen: terminals.Pen

    async def attach(self) -> None:
        offset, _cols, _rows = self.wishes()
        person_id, place = await self.permitted()
        with Seat(person_id):
            watch = await terminals.watch_terminal(place, offset=offset)
            self.pen = terminals.Pen(place)
            self.read_to = watch.hello.offset
            self.shown_size = (watch.hello.cols or 80, watch.hello.rows or 24)
            self.said_at = 0.0
            try:
                await database_sync_to_async(self.note)(Deed.WATCHED)
                await self.greet(watch)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self.show(watch))
                    tasks.create_task(self.type())
                    tasks.create_task(self.acknowledge(watch))
                    tasks.create_task(self.keep_looking())
            finally:
                await self.pen.put_down()
                await watch.close()

    async def permitted(self) -> tuple[int, terminals.Place]:
        self.person, place = await self.placed(terminals.place_to_watch)
        return self.person.pk, place

    async def keep_looking(self) -> None:
        """Raises Goodbye soon after the person may look no more; a look is no presence that keeps machines awake."""
        while True:
            await asyncio.sleep(settings.LABS_SOCKET_RECHECK_SECONDS)
            try:
                await self.permitted()
            except Goodbye as goodbye:
                if goodbye.code not in {Code.NOT_YET, Code.FROZEN}:
                    raise
            except DatabaseError as error:
                log.warning("permission of a watched terminal could not be looked up: %s", error)

    async def greet(self, watch: Watch) -> None:
        cols, rows = self.shown_size
        hello = {"type": "hello", **asdict(watch.hello), "cols": cols, "rows": rows}
        await self.say(hello)

    async def show(self, watch: Watch) -> None:
        """What the terminal says, and its size; a shell that ends may be followed by another in the same stream."""
        async for event in watch:
            match event:
                case Output(offset=offset, data=data):
                    self.read_to = offset + len(data)
                    await self.base_send({"type": "websocket.send", "bytes": data})
                case Gap(offset=offset, missed=missed):
                    self.read_to = offset
                    await self.say({"type": "notice", "kind": "gap", "offset": offset, "missed": missed})
                case Resized(cols=cols, rows=rows):
                    self.shown_size = (cols, rows)
                    await self.pen.resize(cols, rows)
                    await self.say({"type": "notice", "kind": "resized", "cols": cols, "rows": rows})
        raise NodeGone("the keeper hung up")

    async def type(self) -> None:
        """Each frame is typed only if the learner's leave stands at that moment; the pen is put down when quiet."""
        while True:
            try:
                data = await asyncio.wait_for(self.input.get(), QUIET_S)
            except TimeoutError:
                await self.pen.put_down()
                continue
            self.waiting_bytes -= len(data)
            session_id = self.scope["url_route"]["kwargs"]["session"]
            if not await database_sync_to_async(helping.may_type)(self.person, session_id):
                await self.pen.put_down()
                await self.say({"type": "notice", "kind": "no-leave"})
                continue
            if self.pen.terminal is None:
                await database_sync_to_async(self.note)(Deed.TYPED)
            await self.tell_learner()
            await self.pen.write(data, self.read_to, self.shown_size)

    async def acknowledge(self, watch: Watch) -> None:
        told = -1
        while True:
            await self.control.wait()
            self.control.clear()
            if self.acked > told:
                told = self.acked
                await watch.ack(told)

    def note(self, deed: Deed) -> None:
        route = self.scope["url_route"]["kwargs"]
        record(
            LabSession.objects.get(pk=route["session"]),
            self.person,
            deed,
            f"{route['node']} {route['terminal']}",
        )

    async def tell_learner(self) -> None:
        """The learner's page says who types where, at most once a second."""
        now = time.monotonic()
        if now - self.said_at < SAID_EVERY_S:
            return
        self.said_at = now
        route = self.scope["url_route"]["kwargs"]
        layer = get_channel_layer()
        who = helping.name_of(self.person)
        message = {"type": "session.typing", "who": who, "node": route["node"]}
        with suppress(*BROKER_AWAY):
            await layer.group_send(group_of(route["session"]), message)
