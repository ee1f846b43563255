"""Who may attach to which terminal of which node, now."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError

from community.api import User
from labs import idling
from labs.drivers.base import Driver, Output, Terminal, Watch
from labs.engine import get_driver
from labs.lifecycle import State
from labs.models import LabSession, Node
from labs.refusals import NotPossibleNow
from labs.sessions import resume, session_of
from labs.teaching.classes import session_for

# All that is asked of a node and what is behind it to say where its terminals are; the rest is left where it is.
ASKED_OF = (
    "name",
    "restart_asked_at",
    "sandbox__ref",
    "sandbox__state",
    "sandbox__reason",
    "sandbox__session__learner_id",
    "sandbox__session__lab__terminals",
)


class NoSuchTerminal(Exception):
    """This person has no such terminal."""


class NotYet(Exception):
    """The node is starting; the session's events say when it is ready."""


class Frozen(NotYet):
    """The sandbox is suspended; a wish wakes it."""


class Ended(Exception):
    """The sandbox is over; its terminals never come back. ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Place:
    """A terminal that may be attached to."""

    ref: str
    node: str
    terminal: int


def place_of(person: User, session_id: str, node: str, terminal: int) -> Place:
    """Where the terminal is, for its learner, in one query. Raises NoSuchTerminal, NotYet, Frozen or Ended."""
    nodes = Node.objects.select_related("sandbox__session__lab").only(*ASKED_OF).order_by("-sandbox_id")
    try:
        machine = nodes.filter(sandbox__session=UUID(session_id), name=node).first()
        session = machine.sandbox.session if machine else session_of(person, session_id)
    except (LabSession.DoesNotExist, ValueError) as error:
        raise NoSuchTerminal from error
    if session is None or not person.has_perm("labs.work_in_session", session):
        raise NoSuchTerminal
    return _place_on(session, machine, terminal) if machine else _place(session, node, terminal)


def place_to_watch(person: User, session_id: str, node: str, terminal: int) -> Place:
    """Where the terminal is, for an instructor of its learner. Raises NoSuchTerminal, NotYet or Ended."""
    try:
        session = session_for(person, session_id)
    except (LabSession.DoesNotExist, ValidationError) as error:
        raise NoSuchTerminal from error
    return _place(session, node, terminal)


def _place(session: LabSession, node: str, terminal: int) -> Place:
    sandbox = session.sandbox
    if sandbox is None and session.waiting_place is not None:
        raise NotYet
    machine = sandbox.nodes.filter(name=node).first() if sandbox else None
    if machine is None:
        raise NoSuchTerminal
    return _place_on(session, machine, terminal)


def _place_on(session: LabSession, machine: Node, terminal: int) -> Place:
    sandbox = machine.sandbox
    if not 1 <= terminal <= session.lab.terminals:
        raise NoSuchTerminal
    if sandbox.state in {State.STOPPING, State.STOPPED}:
        raise Ended(sandbox.reason)
    if sandbox.state == State.SUSPENDED:
        raise Frozen
    if sandbox.state != State.READY or machine.restart_asked_at is not None:
        raise NotYet
    return Place(sandbox.ref, machine.name, terminal)


def wake(person: User, session_id: str) -> None:
    """The machines of the learner's session are on their way back; a session that cannot be woken stays as it is."""
    with suppress(LabSession.DoesNotExist, NotPossibleNow):
        resume(session_of(person, session_id))


def note_presence(place: Place, *, active: bool) -> None:
    """Somebody is attached there; ``active`` when they typed since the last note."""
    idling.note_presence(place.ref, active=active)


async def open_terminal(place: Place, *, offset: int, cols: int, rows: int) -> Terminal:
    """An attachment from absolute ``offset`` on. Raises NodeGone or DriverError."""
    return await get_driver().attach(
        place.ref, place.node, place.terminal, offset=offset, cols=cols, rows=rows
    )


async def watch_terminal(place: Place, *, offset: int) -> Watch:
    """A silent look from absolute ``offset`` on. Raises NodeGone or DriverError."""
    return await get_driver().watch(place.ref, place.node, place.terminal, offset=offset)


class Pen:
    """An attachment that only types. It takes what the terminal says at once, and so never holds it up."""

    def __init__(self, place: Place, driver: Driver | None = None) -> None:
        self.place = place
        self.driver = driver
        self.terminal: Terminal | None = None
        self.draining: asyncio.Task[None] | None = None

    async def write(self, data: bytes, offset: int, size: tuple[int, int]) -> None:
        if self.terminal is None:
            cols, rows = size
            driver, place = self.driver or get_driver(), self.place
            self.terminal = await driver.attach(
                place.ref, place.node, place.terminal, offset=offset, cols=cols, rows=rows
            )
            self.draining = asyncio.create_task(self._drain(self.terminal))
        await self.terminal.write(data)

    async def resize(self, cols: int, rows: int) -> None:
        """The learner's size stays the terminal's, whoever types."""
        if self.terminal is not None:
            await self.terminal.resize(cols, rows)

    async def put_down(self) -> None:
        if self.draining is not None:
            self.draining.cancel()
            with suppress(asyncio.CancelledError):
                await self.draining
        if self.terminal is not None:
            await self.terminal.close()
        self.terminal = self.draining = None

    async def _drain(self, terminal: Terminal) -> None:
        async for event in terminal:
            if isinstance(event, Output):
                await terminal.ack(event.offset + len(event.data))
