"""Contents: a text for the editor, a file put in place whole or not at all, and what is downloaded."""

import posixpath
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from django.conf import settings

from labs.files.folders import look_at
from labs.files.places import Place, path_text, shown
from labs.files.refusals import FileRefused, FileTooBig, NotText
from labs.files.talk import STREAM_PATIENCE_S, stream, talk

MIB = 2**20
KIB = 2**10


@dataclass(frozen=True)
class Text:
    """A file in the editor; ``version`` is what it must still have when it is saved."""

    path: str
    name: str
    text: str
    version: str


@dataclass(frozen=True)
class Download:
    """``name`` as bytes of the node; ``content`` is read while it is sent."""

    name: bytes
    content: AsyncIterator[bytes]


def read_text(place: Place, path: bytes) -> Text:
    """The file as text. Raises FileRefused, FileTooBig, NotText or NodeSilent."""
    _kind, whole = look_at(place, path)
    limit = settings.LABS_EDIT_KIB * KIB
    with talk(place) as asked:
        asked.ask(b"read", whole, b"%d" % limit)
        content = bytearray()
        try:
            asked.begin()
        except FileRefused as refused:
            raise _sized(refused, settings.LABS_EDIT_KIB / KIB) from None
        for part in asked.parts():
            content += part
            if len(content) > limit:
                raise FileTooBig(settings.LABS_EDIT_KIB / KIB)
        version = asked.frame().decode("ascii", errors="replace")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise NotText from error
    if "\0" in text:
        raise NotText
    return Text(path_text(whole), shown(posixpath.basename(whole)), text, version)


def write(place: Place, path: bytes, version: str, parts: Iterable[bytes]) -> str:
    """The file holds exactly ``parts`` from one moment to the next; its new version.

    ``version``: what was read, ``""`` when there must be no file yet, ``*`` for whatever there is. Raises FileChanged
    when it is another one by now, FileRefused (also for a full disk; the old content then stays) or NodeSilent.
    """
    with talk(place, STREAM_PATIENCE_S) as asked:
        asked.ask(b"write", path, version.encode(errors="replace"))
        asked.expect(b"go")
        asked.send_content(parts)
        asked.begin()
        if asked.frame():
            raise FileRefused("failed")
        return asked.frame().decode("ascii", errors="replace")


def download(place: Place, path: bytes) -> Download:
    """The file, or the folder as a tar, of at most LABS_DOWNLOAD_MIB. Raises FileRefused, FileTooBig or NodeSilent."""
    kind, whole = look_at(place, path)
    limit = settings.LABS_DOWNLOAD_MIB * MIB
    name = posixpath.basename(whole) or b"files"
    if kind == "folder":
        return Download(name + b".tar", stream(place, b"pack", whole, b"", limit))
    try:
        return Download(name, stream(place, b"read", whole, b"%d" % limit, limit))
    except FileRefused as refused:
        raise _sized(refused, settings.LABS_DOWNLOAD_MIB) from None


def _sized(refused: FileRefused, limit_mib: float) -> Exception:
    return FileTooBig(limit_mib) if refused.word == "too_big" else refused
