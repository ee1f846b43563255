"""Files of plain text: UTF-8 (or UTF-16 with its mark), read as lines with their numbers or refused at the line that is not."""

import codecs
import re

from courses.exams.interchange.base import Notes

FORBIDDEN = re.compile("[\\0-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\U000f0000-\U000f00ff]")


def looks_like_text(data: bytes) -> bool:
    start = data[:4096]
    return start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" not in start


def read_words(data: bytes, notes: Notes) -> str:
    """The words of the file with one kind of line end. Raises Refused."""
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        words = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        notes.refuse("not_utf8", data.count(b"\n", 0, error.start) + 1)
    words = words.replace("\r\n", "\n").replace("\r", "\n")
    if found := FORBIDDEN.search(words):
        line = words.count("\n", 0, found.start()) + 1
        notes.refuse("control_character", line, sign=f"U+{ord(found[0]):04X}")
    return words
