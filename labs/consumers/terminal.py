"""The bytes of one terminal."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from django.conf import settings
from django.db import DatabaseError

from community.api import User
from labs import metrics, terminals, visitors
from labs.about import about
from labs.consumers.seats import Code, Goodbye, Seat
from labs.drivers.base import DriverError, Exited, Gap, NodeGone, Output, Resized, Terminal
from labs.terminals import Ended, Frozen, NoSuchTerminal, NotYet

log = logging.getLogger(__name__)

INPUT_FRAME_BYTES = 64 * 1024
INPUT_WAITING_BYTES = 1024 * 1024
CONTROL_FRAME_CHARS = 1024
LARGEST_OFFSET = 2**53
# Ends that neither the learner nor the lab's life asked for.
UNWANTED = frozenset(
    {Code.BAD_FRAME, Code.TOO_MUCH, Code.TOO_MANY, Code.BROKEN, Code.NODE_WENT, Code.NO_ENGINE}
)
# A key after such a pause may find the machines frozen; nothing that is typed steadily asks the database.
QUIET_S = 10.0
WAKE_WAIT_S = 8.0
LOOK_AGAIN_S = 0.1
COLS = range(2, 1001)
ROWS = range(1, 501)


class TerminalConsumer(AsyncConsumer):
    """Pumps bytes between one browser and one terminal: neither database nor channel layer per keystroke."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """As AsyncConsumer's, without a channel of its own and without database housekeeping per frame."""
        self.scope = scope
        self.base_send = send
        self.serving: asyncio.Task[None] | None = None
        self.closed = False
        self.input: asyncio.Queue[bytes] = asyncio.Queue()
        self.waiting_bytes = 0
        self.typed_at = 0.0
        self.acked = -1
        self.sent_bytes = self.typed_bytes = 0
        self.size: tuple[int, int] | None = None
        self.control = asyncio.Event()
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            if self.serving is not None:
                self.serving.cancel()
                await asyncio.gather(self.serving, return_exceptions=True)

    async def dispatch(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "websocket.receive":
                await self.take(message.get("bytes"), message.get("text"))
            case "websocket.connect":
                await self.knock()
            case "websocket.disconnect":
                self.closed = True
                raise StopConsumer

    async def knock(self) -> None:
        if not visitors.may_knock(self.scope):
            await self.close(Code.NOT_SIGNED_IN)
            return
        await self.base_send({"type": "websocket.accept"})
        self.serving = asyncio.create_task(self.serve())

    async def take(self, data: bytes | None, text: str | None) -> None:
        """One frame of the client is queued; a frame against the protocol closes the socket."""
        if self.closed:
            return
        try:
            if data is not None:
                self.take_input(data)
            elif text is not None:
                self.take_control(text)
        except Goodbye as goodbye:
            await self.close(goodbye.code)

    def take_input(self, data: bytes) -> None:
        self.waiting_bytes += len(data)
        if len(data) > INPUT_FRAME_BYTES or self.waiting_bytes > INPUT_WAITING_BYTES:
            raise Goodbye(Code.TOO_MUCH)
        if data:
            self.input.put_nowait(data)

    def take_control(self, text: str) -> None:
        if len(text) > CONTROL_FRAME_CHARS:
            raise Goodbye(Code.TOO_MUCH)
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Goodbye(Code.BAD_FRAME) from error
        match frame:
            case {"type": "ack", "offset": int(offset)} if _is_offset(offset):
                self.acked = max(self.acked, offset)
            case {"type": "resize", "cols": int(cols), "rows": int(rows)} if cols in COLS and rows in ROWS:
                self.size = (cols, rows)
            case _:
                raise Goodbye(Code.BAD_FRAME)
        self.control.set()

    async def serve(self) -> None:
        """The whole attachment, from permission to the last byte; always ends with the socket closed."""
        about(lab_session=self.scope["url_route"]["kwargs"]["session"])
        code = Code.BROKEN
        try:
            await self.attach()
        except* Goodbye as group:
            goodbye = group.exceptions[0]
            assert isinstance(goodbye, Goodbye)  # noqa: S101  (except* narrows no further than the group)
            code = goodbye.code
            if goodbye.notice:
                await self.say(goodbye.notice)
        except* NodeGone:
            code = await self.why_it_went()
        except* DriverError as group:
            log.warning("terminal: %s", group.exceptions[0])
            code = Code.NO_ENGINE
        except* OSError:
            self.closed = True
        finally:
            await self.close(code)

    async def attach(self) -> None:
        offset, cols, rows = self.wishes()
        person_id, place = await self.arrive()
        with Seat(person_id):
            terminal = await terminals.open_terminal(place, offset=offset, cols=cols, rows=rows)
            self.typed_at = asyncio.get_running_loop().time()
            try:
                await self.say({"type": "hello", **asdict(terminal.hello)})
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self.pump_output(terminal))
                    tasks.create_task(self.pump_input(terminal))
                    tasks.create_task(self.pump_control(terminal))
                    tasks.create_task(self.keep_permission(place))
            finally:
                metrics.moved_bytes(self.sent_bytes, self.typed_bytes)
                await terminal.close()

    async def arrive(self) -> tuple[int, terminals.Place]:
        """Who is attached, where; frozen machines are woken and waited for, unless the address says ``wake=0``."""
        until = asyncio.get_running_loop().time() + WAKE_WAIT_S
        asked = False
        while True:
            try:
                return await self.permitted()
            except Goodbye as goodbye:
                late = asyncio.get_running_loop().time() > until
                if goodbye.code != Code.FROZEN or late or b"wake=0" in self.scope.get("query_string", b""):
                    raise
            if not asked:
                await self.wake()
                asked = True
            await asyncio.sleep(LOOK_AGAIN_S)

    async def wake(self) -> None:
        person = await visitors.person_behind(self.scope)
        if person is not None:
            session = str(self.scope["url_route"]["kwargs"]["session"])
            await database_sync_to_async(terminals.wake)(person, session)

    def wishes(self) -> tuple[int, int, int]:
        """Offset, columns and rows of the address. Raises Goodbye when they are no numbers in range."""
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        try:
            offset, cols, rows = (
                int(query.get(name, [default])[0])
                for name, default in (("offset", 0), ("cols", 80), ("rows", 24))
            )
        except ValueError as error:
            raise Goodbye(Code.BAD_FRAME) from error
        if not _is_offset(offset) or cols not in COLS or rows not in ROWS:
            raise Goodbye(Code.BAD_FRAME)
        return offset, cols, rows

    async def permitted(self) -> tuple[int, terminals.Place]:
        """Who is attached, where. Raises Goodbye when this person may not, or not now."""
        person, place = await self.placed(terminals.place_of)
        return person.pk, place

    async def placed(self, find: Callable[..., terminals.Place]) -> tuple[User, terminals.Place]:
        """Who is there, and what ``find`` finds for them; its refusals as the socket's codes. Raises Goodbye."""
        route = self.scope["url_route"]["kwargs"]
        where = (str(route["session"]), route["node"], route["terminal"])
        try:
            return await database_sync_to_async(_found)(find, self.scope, where)
        except NoSuchTerminal as error:
            raise Goodbye(Code.NOT_FOUND) from error
        except Frozen as error:
            raise Goodbye(Code.FROZEN, {"type": "notice", "kind": "frozen"}) from error
        except NotYet as error:
            raise Goodbye(Code.NOT_YET, {"type": "notice", "kind": "starting"}) from error
        except Ended as error:
            raise Goodbye(Code.ENDED, {"type": "notice", "kind": "ended", "reason": error.reason}) from error

    async def pump_output(self, terminal: Terminal) -> None:
        async for event in terminal:
            match event:
                case Output(data=data):
                    self.sent_bytes += len(data)
                    await self.base_send({"type": "websocket.send", "bytes": data})
                case Gap(offset=offset, missed=missed):
                    await self.say({"type": "notice", "kind": "gap", "offset": offset, "missed": missed})
                case Resized(cols=cols, rows=rows):
                    await self.say({"type": "notice", "kind": "resized", "cols": cols, "rows": rows})
                case Exited(code=code):
                    await self.say({"type": "exit", "code": code})
                    raise Goodbye(Code.SHELL_ENDED)
        raise NodeGone("the keeper hung up")

    async def pump_input(self, terminal: Terminal) -> None:
        while True:
            data = await self.input.get()
            await terminal.write(data)
            self.typed_bytes += len(data)
            self.waiting_bytes -= len(data)
            now = asyncio.get_running_loop().time()
            before, self.typed_at = self.typed_at, now
            if now - before > QUIET_S:
                await self.wake_if_frozen()

    async def wake_if_frozen(self) -> None:
        """What was typed waits in the frozen node; it is read once that is awake."""
        try:
            await self.permitted()
        except Goodbye as goodbye:
            if goodbye.code == Code.FROZEN:
                await self.wake()
        except DatabaseError as error:
            log.warning("whether a terminal's machines are frozen could not be looked up: %s", error)

    async def pump_control(self, terminal: Terminal) -> None:
        told = -1
        while True:
            await self.control.wait()
            self.control.clear()
            size, self.size = self.size, None
            if size is not None:
                await terminal.resize(*size)
            if self.acked > told:
                told = self.acked
                await terminal.ack(told)

    async def keep_permission(self, place: terminals.Place) -> None:
        """Raises Goodbye soon after the person has lost the right to be attached; meanwhile, notes that they are."""
        # The first words do not wait for it, nor do those of a lab's other terminals, which are attached just now.
        await self.note_presence(place, active=False)
        while True:
            slept_at = asyncio.get_running_loop().time()
            await asyncio.sleep(settings.LABS_SOCKET_RECHECK_SECONDS)
            try:
                await self.permitted()
                await self.note_presence(place, active=self.typed_at > slept_at)
            except Goodbye as goodbye:
                # A node that restarts hangs up by itself; a frozen one keeps its connections.
                if goodbye.code not in {Code.NOT_YET, Code.FROZEN}:
                    raise
            except DatabaseError as error:
                log.warning("permission of an open terminal could not be looked up: %s", error)

    async def note_presence(self, place: terminals.Place, *, active: bool) -> None:
        try:
            await database_sync_to_async(terminals.note_presence)(place, active=active)
        except DatabaseError as error:
            log.warning("that somebody is attached could not be noted: %s", error)

    async def why_it_went(self) -> Code:
        """The keeper hung up: the code says whether to come back, later or never."""
        try:
            await self.permitted()
        except Goodbye as goodbye:
            if goodbye.notice:
                await self.say(goodbye.notice)
            return goodbye.code
        except DatabaseError:
            return Code.NODE_WENT
        await self.say({"type": "notice", "kind": "node-went"})
        return Code.NODE_WENT

    async def say(self, frame: dict[str, Any]) -> None:
        if not self.closed:
            await self.base_send({"type": "websocket.send", "text": json.dumps(frame)})

    async def close(self, code: Code) -> None:
        if not self.closed:
            self.closed = True
            if code in UNWANTED:
                metrics.dropped(code)
            if self.serving is not None and self.serving is not asyncio.current_task():
                self.serving.cancel()
            await self.base_send({"type": "websocket.close", "code": int(code)})


def _found(
    find: Callable[..., terminals.Place], scope: visitors.Scope, where: tuple[Any, ...]
) -> tuple[User, terminals.Place]:
    person = visitors.person_of(scope)
    if person is None:
        raise Goodbye(Code.NOT_SIGNED_IN)
    return person, find(person, *where)


def _is_offset(offset: int) -> bool:
    return not isinstance(offset, bool) and 0 <= offset <= LARGEST_OFFSET
