"""Folders: what is in them, and making, renaming and removing entries."""

import posixpath
from dataclasses import dataclass

from labs.files.places import Place, path_text, shown
from labs.files.refusals import NodeSilent
from labs.files.talk import talk

MOST_ENTRIES = 2000
KINDS = {"file", "folder", "link", "other"}


@dataclass(frozen=True)
class Entry:
    """``kind``: file, folder, link or other; ``target``: what a link leads to (``nothing`` when it dangles)."""

    name: str
    path: str
    kind: str
    target: str
    size: int
    modified_at: int
    mode: str


@dataclass(frozen=True)
class Folder:
    """``path`` is the whole one, free of links; ``more`` says that not every entry is listed."""

    path: str
    shown: str
    parent: str
    entries: tuple[Entry, ...]
    more: bool


def list_folder(place: Place, path: bytes) -> Folder:
    """What is in the folder, folders first. Raises FileRefused or NodeSilent."""
    _kind, whole = look_at(place, path)
    with talk(place) as asked:
        asked.ask(b"list", whole)
        asked.begin()
        entries: list[Entry] = []
        for part in asked.parts():
            if len(entries) >= MOST_ENTRIES:
                raise NodeSilent
            entries.append(_entry(whole, part))
        more = asked.frame() == b"more"
    entries.sort(key=lambda entry: ("folder" not in (entry.kind, entry.target), entry.name))
    return Folder(path_text(whole), shown(whole), path_text(posixpath.dirname(whole)), tuple(entries), more)


def look_at(place: Place, path: bytes) -> tuple[str, bytes]:
    """What the path leads to (file, folder, other), and the whole path without links."""
    with talk(place) as asked:
        asked.ask(b"look", path)
        asked.begin()
        if asked.frame():
            raise NodeSilent
        parts = asked.frame().split(b"\0", 3)
    if len(parts) != 4 or parts[0].decode(errors="replace") not in KINDS:
        raise NodeSilent
    return parts[0].decode(), parts[3]


def make_folder(place: Place, path: bytes) -> None:
    """An empty folder is there. Raises FileRefused, also when something has the name."""
    _done(place, b"folder", path)


def move(place: Place, path: bytes, target: bytes) -> None:
    """The entry has the other path; nothing was overwritten. Raises FileRefused."""
    _done(place, b"move", path, target)


def remove(place: Place, path: bytes) -> None:
    """The entry is gone for good, a folder with all that was in it; links were not followed. Raises FileRefused."""
    _done(place, b"remove", path)


def _done(place: Place, verb: bytes, path: bytes, argument: bytes = b"") -> None:
    with talk(place) as asked:
        asked.ask(verb, path, argument)
        asked.begin()


def _entry(folder: bytes, part: bytes) -> Entry:
    facts = part.split(b"\0", 5)
    try:
        kind, target, size, modified_at, mode, name = facts
        words = kind.decode("ascii"), target.decode("ascii")
        length, seconds, bits = int(size), int(modified_at), f"{int(mode, 8):o}"
    except ValueError as error:
        raise NodeSilent from error
    if words[0] not in KINDS or b"/" in name or not name:
        raise NodeSilent
    return Entry(shown(name), path_text(posixpath.join(folder, name)), *words, length, seconds, bits)
