"""Who may attach to which terminal of which node, now."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError

from community.api import User
from labs.drivers.base import Terminal
from labs.engine import get_driver
from labs.lifecycle import State
from labs.models import LabSession, Node
from labs.sessions import session_of


class NoSuchTerminal(Exception):
    """This person has no such terminal."""


class NotYet(Exception):
    """The node is starting; the session's events say when it is ready."""


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
    """Where the terminal is, for its learner. Raises NoSuchTerminal, NotYet or Ended."""
    try:
        session = session_of(person, session_id)
    except (LabSession.DoesNotExist, ValidationError) as error:
        raise NoSuchTerminal from error
    sandbox = session.sandbox
    if sandbox is None or not 1 <= terminal <= session.lab.terminals:
        raise NoSuchTerminal
    try:
        machine = sandbox.nodes.get(name=node)
    except Node.DoesNotExist as error:
        raise NoSuchTerminal from error
    if sandbox.state in {State.STOPPING, State.STOPPED}:
        raise Ended(sandbox.reason)
    if sandbox.state != State.READY or machine.restart_asked_at is not None:
        raise NotYet
    return Place(sandbox.ref, node, terminal)


async def open_terminal(place: Place, *, offset: int, cols: int, rows: int) -> Terminal:
    """An attachment from absolute ``offset`` on. Raises NodeGone or DriverError."""
    return await get_driver().attach(
        place.ref, place.node, place.terminal, offset=offset, cols=cols, rows=rows
    )
