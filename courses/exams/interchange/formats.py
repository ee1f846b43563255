"""The formats that questions are read from and written in: one choice by content and name, for every door."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from courses.exams.interchange import aiken, gift, moodle_xml
from courses.exams.interchange.base import MOST_BYTES, MOST_ITEMS, Item, Reading, Refused, Written


@dataclass(frozen=True)
class Format:
    """How one format is known, read and written; ``recognises`` looks at content and name and never raises."""

    name: str
    recognises: Callable[[bytes, str], bool]
    read: Callable[[bytes, str], Reading]
    write: Callable[[Sequence[Item]], Written]


# In the order they are tried: what is told by a mark in the content before what is told by the look of a line.
FORMATS: tuple[Format, ...] = (
    Format(moodle_xml.LABEL, moodle_xml.recognises, moodle_xml.read, moodle_xml.write),
    Format(aiken.LABEL, aiken.recognises, aiken.read, aiken.write),
    Format(gift.LABEL, gift.recognises, gift.read, gift.write),
)


def read(data: bytes, filename: str) -> Reading:
    """The questions of the file, whichever format it is in. Raises Refused; then nothing of it counts."""
    if len(data) > MOST_BYTES:
        raise Refused("file_too_large", filename, most=MOST_BYTES)
    if not data.strip():
        raise Refused("file_empty", filename)
    known = next((one for one in FORMATS if one.recognises(data, filename)), None)
    if known is None:
        raise Refused("format_unknown", filename)
    reading = known.read(data, filename)
    if len(reading.items) > MOST_ITEMS:
        raise Refused("too_many_items", filename, most=MOST_ITEMS)
    if not reading.items and not reading.notes:
        raise Refused("no_items", filename)
    return reading


def write(items: Sequence[Item], name: str) -> Written:
    """A file of the items in the format called ``name``. Raises KeyError for a format that does not exist."""
    return {one.name: one for one in FORMATS}[name].write(items)
