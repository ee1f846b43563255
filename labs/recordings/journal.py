"""The file of one recording: asciicast v2 with a fourth element per event, the offset behind it. Pure.

Each line is appended whole by one write; a torn last line is cut off when the file is opened again. So the last line
alone says where to go on, and neither a killed recorder nor a full disk loses or repeats a byte: what was not written
is asked for anew from the offset told.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODE = 0o600
TAIL_BYTES = 1024 * 1024
OUTPUT, RESIZE, GAP = "o", "r", "g"


@dataclass(frozen=True)
class Event:
    """At ``at_s`` after the beginning; ``offset`` is that of the first byte behind it.

    ``data`` is output as text, its bytes that are no UTF-8 as surrogates; columns x rows; or the bytes left out.
    """

    at_s: float
    code: str
    data: str
    offset: int

    def line(self) -> str:
        said = [round(self.at_s, 3), self.code, self.data, self.offset]
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        try:
            text.encode()
        except UnicodeEncodeError:
            text = json.dumps(said, separators=(",", ":"))
        return text + "\n"

    @classmethod
    def read(cls, line: bytes) -> "Event":
        at_s, code, data, offset = json.loads(line)
        return cls(at_s, code, data, offset)

    @property
    def raw(self) -> bytes:
        """The bytes the terminal said."""
        return self.data.encode(errors="surrogateescape") if self.code == OUTPUT else b""


class Journal:
    """A recording open for writing. ``offset`` and ``at_s`` are those of the last event kept."""

    def __init__(self, path: Path, handle: int, size: int, last: Event | None) -> None:
        self.path = path
        self.size = size
        self.offset = last.offset if last else 0
        self.at_s = last.at_s if last else 0.0
        self._handle = handle

    @classmethod
    def open(cls, path: Path, header: dict[str, Any]) -> "Journal":
        """The file at ``path`` goes on behind its last whole event, or begins with ``header``. Raises OSError."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, MODE)
        try:
            size, last = _whole(handle)
            os.ftruncate(handle, size)
            journal = cls(path, handle, size, last)
            if not size:
                journal._write(json.dumps(header, separators=(",", ":")) + "\n")
        except BaseException:
            os.close(handle)
            raise
        return journal

    def append(self, events: Iterable[Event]) -> None:
        """The events are in the file. Raises OSError, and then none of them is."""
        events = list(events)
        if events:
            self._write("".join(event.line() for event in events))
            self.offset, self.at_s = events[-1].offset, events[-1].at_s

    def close(self) -> None:
        os.close(self._handle)

    def _write(self, text: str) -> None:
        data = text.encode()
        written = os.write(self._handle, data)
        if written != len(data):
            os.ftruncate(self._handle, self.size)
            raise OSError(f"{self.path}: only {written} of {len(data)} bytes fitted")
        self.size += written


def events_of(path: Path) -> tuple[dict[str, Any], Iterator[Event]]:
    """Header and whole events of a recording, which may be growing. Raises OSError, or ValueError without a header."""
    lines = iter(path.read_bytes().splitlines(keepends=True))
    header = json.loads(next(lines, b""))
    return header, (Event.read(line) for line in lines if line.endswith(b"\n"))


def offset_of(path: Path) -> int:
    """How far the recording goes in the terminal's bytes, while it may be growing; 0 without one. Raises OSError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return 0
    try:
        _size, last = _whole(handle)
    finally:
        os.close(handle)
    return last.offset if last else 0


def _whole(handle: int) -> tuple[int, Event | None]:
    """How far the file is whole, and its last event; 0 when not even the header is."""
    size = os.fstat(handle).st_size
    start = max(0, size - TAIL_BYTES)
    tail = os.pread(handle, size - start, start)
    end = tail.rfind(b"\n") + 1
    before = tail.rfind(b"\n", 0, max(0, end - 1)) + 1
    if not end or (start and not before):
        return 0, None
    if start + before == 0:
        return end, None
    return start + end, Event.read(tail[before:end])
