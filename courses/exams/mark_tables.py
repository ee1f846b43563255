"""A table of marks as text, from whatever system held the exam."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from operator import itemgetter

from courses.exams.item_analysis import Contradiction, MarkTable

COLUMNS = ("attempt", "slot", "maxmark", "mark")
MAX_BYTES = 32 * 1024 * 1024
MAX_ROWS = 1_000_000
MAX_CHARACTERS = 200
MARKS_BELOW = 10**9
MAX_DECIMALS = 30
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)
NOT_ANSWERED = Fraction(0)


class Unreadable(ValueError):
    """What is wrong with the table, and in which line."""


def read(content: bytes) -> MarkTable:
    """The table in a CSV file (UTF-8, commas, a header with at least COLUMNS; more columns are passed over).

    An empty ``mark`` was not answered and counts as 0, as in Moodle; a row that is not there is a question that the attempt
    never had. Raises Unreadable.
    """
    if len(content) > MAX_BYTES:
        raise Unreadable(f"the table is larger than {MAX_BYTES // 1024**2} MiB")
    table = MarkTable()
    maxmarks: dict[str, Fraction] = {}
    marks = {"": NOT_ANSWERED}
    for line, (attempt, slot, maxmark, mark) in _rows(content):
        if not (0 < len(attempt) <= MAX_CHARACTERS and 0 < len(slot) <= MAX_CHARACTERS):
            raise Unreadable(f"line {line}: attempt and slot need 1 to {MAX_CHARACTERS} characters")
        # The same few marks come again and again.
        if maxmark not in maxmarks:
            maxmarks[maxmark] = _number(line, "maxmark", maxmark)
        if mark not in marks:
            marks[mark] = _number(line, "mark", mark)
        try:
            table.add(attempt, slot, maxmarks[maxmark], marks[mark])
        except Contradiction as contradiction:
            raise Unreadable(f"line {line}: {contradiction}") from contradiction
    if not table.columns:
        raise Unreadable("the table has no marks")
    return table


def _rows(content: bytes) -> Iterator[tuple[int, Iterable[str]]]:
    """Line number and the texts of COLUMNS, of each row that is not blank."""
    rows = csv.reader(io.StringIO(_text(content), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        of_columns = itemgetter(*_places(header))
        count = 0
        for row in rows:
            if len(row) != len(header) or not any(row):
                if not any(map(str.strip, row)):
                    continue
                raise Unreadable(f"line {rows.line_num}: {len(row)} fields, but the header has {len(header)}")
            count += 1
            if count > MAX_ROWS:
                raise Unreadable(f"line {rows.line_num}: the table has more than {MAX_ROWS:,} rows")
            yield rows.line_num, map(str.strip, of_columns(row))
    except csv.Error as error:
        raise Unreadable(f"line {rows.line_num}: {error}") from error


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"line {line}: the text is not UTF-8") from error


def _places(header: list[str]) -> list[int]:
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise Unreadable(f"line 1: no column {', '.join(missing)}; needed are {','.join(COLUMNS)}")
    twice = [name for name in COLUMNS if header.count(name) > 1]
    if twice:
        raise Unreadable(f"line 1: more than one column {', '.join(twice)}")
    return [header.index(name) for name in COLUMNS]


def _number(line: int, name: str, text: str) -> Fraction:
    if not text:
        raise Unreadable(f"line {line}: {name} is empty")
    if len(text) > MAX_CHARACTERS or not NUMBER.fullmatch(text):
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise Unreadable(f"line {line}: {name} {shown!r} is not a number")
    number = Fraction(text)
    if abs(number) >= MARKS_BELOW:
        raise Unreadable(f"line {line}: {name} {float(number):g} is not below {MARKS_BELOW:,}")
    if number.denominator > 10**MAX_DECIMALS:
        raise Unreadable(f"line {line}: {name} has more than {MAX_DECIMALS} decimals")
    return number
