"""One connection of a node's program: heard, judged, led out, written down."""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from socket import socket
from typing import Any, Protocol

import h11

from labs.allowlist import Entry, Found, find
from labs.egress.addresses import NoSuchName, Permits, PrivateAddress, Resolve, is_public, pinned, resolve
from labs.egress.asking import HEAD_BYTES, Unreadable, Wish, passed_back, passed_on, refusal, wish_of
from labs.models.egress import Verdict

PART_BYTES = 64 * 1024
OPEN = h11.Response(status_code=200, headers=[], reason=b"Connection established")
ADDRESSES_TRIED = 3
JUDGED = {Found.NOT_LISTED: Verdict.NOT_LISTED, Found.OTHER_PORT: Verdict.OTHER_PORT}


@dataclass(frozen=True)
class World:
    """How names become addresses, and which of them may be asked; tests bring their own."""

    resolve: Resolve = resolve
    permits: Permits = is_public


@dataclass(frozen=True)
class Patience:
    """How long is waited, in seconds, for what."""

    head_s: float = 10.0
    connect_s: float = 10.0
    idle_s: float = 60.0
    whole_s: float = 1800.0


@dataclass(frozen=True)
class Entered:
    """A request as the ledger has it."""

    session: str
    node: str
    verdict: Verdict
    method: str = ""
    host: str = ""
    port: int = 0
    address: str | None = None
    bytes_up: int = 0
    bytes_down: int = 0
    duration_ms: int | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Ledger(Protocol):
    async def enter(self, entered: Entered) -> None:
        """It will be written, over what was entered under the same id; waits while too much is unwritten."""


@dataclass
class Transfer:
    """What a session may still send and receive."""

    left_bytes: int

    @property
    def is_used_up(self) -> bool:
        return self.left_bytes <= 0


@dataclass(frozen=True)
class Guest:
    """Whose program it is, and what it may."""

    session: str
    node: str
    entries: Callable[[], tuple[Entry, ...]]
    transfer: Transfer


class _Refused(Exception):
    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict


class _UsedUp(Exception):
    """The session has transferred as much as it may."""


async def serve(door: socket, guest: Guest, ledger: Ledger, world: World, patience: Patience) -> None:
    """The connection is over and what became of it entered."""
    door.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=door, limit=PART_BYTES)
    try:
        await _Visit(reader, writer, guest, ledger, world, patience).run()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


class _Visit:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        guest: Guest,
        ledger: Ledger,
        world: World,
        patience: Patience,
    ) -> None:
        self.reader, self.writer = reader, writer
        self.guest, self.ledger, self.world, self.patience = guest, ledger, world, patience
        self.talk = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        self.entered = Entered(guest.session, guest.node, Verdict.UNREADABLE)
        self.began = time.monotonic()
        self.up = self.down = 0

    async def run(self) -> None:
        wish: Wish | None = None
        try:
            request = await self.head()
            if request is None:
                return
            wish = wish_of(request)
            self.note(method=wish.method[:20], host=wish.host, port=wish.port)
            await self.lead_out(request, wish, await self.judged(wish))
        except Unreadable:
            await self.refuse(Verdict.UNREADABLE, None)
        except _Refused as refused:
            await self.refuse(refused.verdict, wish)

    def note(self, **changes: Any) -> None:
        self.entered = replace(self.entered, **changes)

    async def head(self) -> h11.Request | None:
        """The first words; None when the program hung up without any, or took too long over them."""
        try:
            async with asyncio.timeout(self.patience.head_s):
                while (event := self.talk.next_event()) is h11.NEED_DATA:
                    data = await self.reader.read(PART_BYTES)
                    self.talk.receive_data(data)
        except (OSError, TimeoutError):
            return None
        except h11.RemoteProtocolError as error:
            raise Unreadable from error
        return event if isinstance(event, h11.Request) else None

    async def judged(self, wish: Wish) -> list[str]:
        """The addresses that the wish may be led to. Raises _Refused."""
        found = find(self.guest.entries(), wish.host, wish.port)
        if found is not Found.LISTED:
            raise _Refused(JUDGED[found])
        if self.guest.transfer.is_used_up:
            raise _Refused(Verdict.USED_UP)
        try:
            return list(await pinned(wish.host, wish.port, self.world.resolve, self.world.permits))
        except NoSuchName as error:
            raise _Refused(Verdict.UNKNOWN) from error
        except PrivateAddress as error:
            raise _Refused(Verdict.PRIVATE) from error

    async def refuse(self, verdict: Verdict, wish: Wish | None) -> None:
        self.note(verdict=verdict, duration_ms=self.lasted_ms())
        await self.ledger.enter(self.entered)
        response, body = refusal(verdict, wish)
        with suppress(OSError, TimeoutError, h11.LocalProtocolError):
            async with asyncio.timeout(self.patience.head_s):
                self.writer.write(self.talk.send(response) or b"")
                if wish is None or wish.method != "HEAD":
                    self.writer.write(self.talk.send(h11.Data(body)) or b"")
                self.writer.write(self.talk.send(h11.EndOfMessage()) or b"")
                await self.writer.drain()

    def lasted_ms(self) -> int:
        return round((time.monotonic() - self.began) * 1000)

    async def lead_out(self, request: h11.Request, wish: Wish, addresses: list[str]) -> None:
        """Entered before the first byte goes out, and again at the end. Raises _Refused."""
        far_reader, far_writer = await self.connected(addresses, wish.port)
        self.note(verdict=Verdict.ALLOWED)
        whole = False
        try:
            await self.ledger.enter(self.entered)
            carry = self.tunnel if wish.is_tunnel else self.exchange
            async with asyncio.timeout(self.patience.whole_s):
                async with asyncio.timeout(self.patience.idle_s) as self.idle:
                    await carry(request, wish, far_reader, far_writer)
            whole = True
        except (OSError, TimeoutError, h11.ProtocolError, _UsedUp):
            pass  # told by the verdict
        finally:
            far_writer.close()
            verdict = Verdict.ALLOWED if whole else Verdict.BROKEN_OFF
            self.note(verdict=verdict, bytes_up=self.up, bytes_down=self.down, duration_ms=self.lasted_ms())
            await self.ledger.enter(self.entered)

    async def connected(
        self, addresses: list[str], port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for address in addresses[:ADDRESSES_TRIED]:
            self.note(address=address)
            try:
                async with asyncio.timeout(self.patience.connect_s):
                    return await asyncio.open_connection(address, port, limit=PART_BYTES)
            except (OSError, TimeoutError):
                continue
        raise _Refused(Verdict.UNREACHABLE)

    def counted(self, *, up: int = 0, down: int = 0) -> None:
        """Something goes through. Raises _UsedUp once the session's transfer is used up."""
        self.up, self.down = self.up + up, self.down + down
        self.guest.transfer.left_bytes -= up + down
        if self.guest.transfer.is_used_up:
            raise _UsedUp
        loop = asyncio.get_running_loop()
        self.idle.reschedule(loop.time() + self.patience.idle_s)

    async def tunnel(
        self,
        _request: h11.Request,
        _wish: Wish,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        self.writer.write(self.talk.send(OPEN) or b"")
        early, _closed = self.talk.trailing_data
        if early:
            self.counted(up=len(early))
            far_writer.write(early)
        await _both(self.pump(self.reader, far_writer, up=True), self.pump(far_reader, self.writer, up=False))

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        while data := await reader.read(PART_BYTES):
            self.counted(up=len(data) if up else 0, down=0 if up else len(data))
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def exchange(
        self,
        request: h11.Request,
        wish: Wish,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        """Both sides are read and said anew, so that neither reads another message than we do."""
        far = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
        head = h11.Request(method=request.method, target=wish.path, headers=passed_on(request, wish))
        await self.say(far, far_writer, head, up=True)
        sending = asyncio.create_task(self.send_body(far, far_writer))
        answering = asyncio.create_task(self.take_answer(far, far_reader))
        try:
            await asyncio.wait({sending, answering}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                sending.result()
            await answering
        finally:
            for task in (sending, answering):
                task.cancel()
            await asyncio.gather(sending, answering, return_exceptions=True)

    async def send_body(self, far: h11.Connection, far_writer: asyncio.StreamWriter) -> None:
        # A server may answer before it has read all, and then read no more.
        with suppress(OSError, h11.ProtocolError):
            while True:
                if self.talk.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    self.writer.write(self.talk.send(go_on) or b"")
                event = self.talk.next_event()
                if event is h11.NEED_DATA:
                    self.talk.receive_data(await self.reader.read(PART_BYTES))
                elif isinstance(event, h11.Data | h11.EndOfMessage):
                    await self.say(far, far_writer, event, up=True)
                    if isinstance(event, h11.EndOfMessage):
                        return
                else:
                    return

    async def take_answer(self, far: h11.Connection, far_reader: asyncio.StreamReader) -> None:
        while True:
            event = far.next_event()
            if event is h11.NEED_DATA:
                far.receive_data(await far_reader.read(PART_BYTES))
            elif isinstance(event, h11.Response):
                answer = h11.Response(
                    status_code=event.status_code, headers=passed_back(event), reason=event.reason
                )
                await self.say(self.talk, self.writer, answer, up=False)
            elif isinstance(event, h11.Data | h11.EndOfMessage):
                await self.say(self.talk, self.writer, event, up=False)
                if isinstance(event, h11.EndOfMessage):
                    return
            elif not isinstance(event, h11.InformationalResponse):
                raise ConnectionResetError("the server hung up")

    async def say(self, talk: h11.Connection, writer: asyncio.StreamWriter, event: Any, *, up: bool) -> None:
        data = talk.send(event) or b""
        self.counted(up=len(data) if up else 0, down=0 if up else len(data))
        writer.write(data)
        await writer.drain()


async def _both(*ways: Any) -> None:
    """Until both are over; the first that fails ends the other."""
    try:
        async with asyncio.TaskGroup() as group:
            for way in ways:
                group.create_task(way)
    except ExceptionGroup as broken:
        raise broken.exceptions[0] from None
