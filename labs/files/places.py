"""Which node's files are meant, and how a path travels: names are bytes, so paths are percent-encoded bytes."""

from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote_to_bytes

from labs.files.refusals import FileRefused
from labs.idling import note_presence
from labs.lifecycle import State
from labs.models import LabSession
from labs.refusals import NotReady, SessionClosed
from labs.waking import awake

LONGEST_PATH = 4096
SAFE = "/-_.~+@:,="


@dataclass(frozen=True)
class Place:
    """A node whose files may be looked at now."""

    ref: str
    node: str


def place_of(session: LabSession, node: str) -> Place:
    """The session's node, if it runs; frozen machines are woken for it and waited for.

    Raises Node.DoesNotExist, SessionClosed or NotReady.
    """
    sandbox = awake(session)
    if sandbox is None or not session.is_open or sandbox.state in {State.STOPPING, State.STOPPED}:
        raise SessionClosed
    machine = sandbox.nodes.get(name=node)
    if sandbox.state != State.READY or machine.restart_asked_at is not None:
        raise NotReady
    note_presence(sandbox.ref, active=True)
    return Place(sandbox.ref, machine.name)


def path_from(text: str) -> bytes:
    """The path's bytes; empty for the home folder. Raises FileRefused for what no path can be."""
    path = unquote_to_bytes(text)
    if b"\0" in path or len(path) > LONGEST_PATH:
        raise FileRefused("bad_name")
    return path


def path_text(path: bytes) -> str:
    return quote_from_bytes(path, safe=SAFE)


def shown(name: bytes) -> str:
    """A name fit to be looked at: what is no text, or would move the writing around it, is escaped."""
    text = name.decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
