"""What every reader and writer of questions shares: the item, the note about what was lost, the refusal, the limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NoReturn

from courses.exams.interchange.wording import MESSAGES
from courses.exams.shapes import Question

MOST_BYTES = 32 * 2**20
MOST_ITEMS = 2_000
MOST_NOTES = 20_000
MOST_DEPTH = 60
MOST_ELEMENTS = 250_000
MOST_MARKUP = 100_000
MOST_MEDIA_BYTES = 5 * 2**20
LONGEST_ARGUMENT = 120
LONGEST_LABEL = 300


class Severity(StrEnum):
    """What became of something: it is gone, it is something else now, or it is as it was and worth knowing."""

    LOST = "lost"
    CHANGED = "changed"
    INFO = "info"


def _clipped(arguments: Mapping[str, object]) -> Mapping[str, str]:
    words = {name: " ".join(str(value).split()) for name, value in arguments.items()}
    return MappingProxyType(
        {
            name: value if len(value) <= LONGEST_ARGUMENT else value[: LONGEST_ARGUMENT - 1] + "…"
            for name, value in words.items()
        }
    )


@dataclass(frozen=True)
class Told:
    """A sentence of ``wording.MESSAGES`` about a place; ``line`` is 0 where a file has no lines."""

    code: str
    file: str
    line: int
    arguments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def message(self) -> str:
        return self.said(str)

    def said(self, translate: Callable[[str], str]) -> str:
        """The sentence in the words of ``translate``, which is given the English one without its arguments."""
        return translate(MESSAGES[self.code]).format_map(self.arguments)


@dataclass(frozen=True)
class Note(Told):
    """What reading or writing could not keep as it was."""

    severity: Severity = Severity.LOST


class Refused(ValueError):
    """The file cannot be read and nothing of it is; ``told`` says where and why."""

    def __init__(self, code: str, file: str, line: int = 0, **arguments: object) -> None:
        self.told = Told(code, file, line, _clipped(arguments))
        super().__init__(f"{file}:{line}: {self.told.message}")


class Notes:
    """The notes about one file, in the order they came up; each is kept once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._notes: dict[tuple[object, ...], Note] = {}

    def lost(self, code: str, line: int, **arguments: object) -> None:
        self._add(Severity.LOST, code, line, arguments)

    def changed(self, code: str, line: int, **arguments: object) -> None:
        self._add(Severity.CHANGED, code, line, arguments)

    def info(self, code: str, line: int, **arguments: object) -> None:
        self._add(Severity.INFO, code, line, arguments)

    def refuse(self, code: str, line: int = 0, **arguments: object) -> NoReturn:
        """Raises Refused about this file."""
        raise Refused(code, self.file, line, **arguments)

    def also(self, notes: "tuple[Note, ...]") -> None:
        """The notes of another file are told with these."""
        for note in notes:
            self._keep(note)

    @property
    def all(self) -> tuple[Note, ...]:
        return tuple(self._notes.values())

    def _add(self, severity: Severity, code: str, line: int, arguments: Mapping[str, object]) -> None:
        self._keep(Note(code, self.file, line, _clipped(arguments), severity))

    def _keep(self, note: Note) -> None:
        if len(self._notes) >= MOST_NOTES:
            self.refuse("too_many_notes", note.line, most=MOST_NOTES)
        key = (note.severity, note.code, note.file, note.line, *sorted(note.arguments.items()))
        self._notes.setdefault(key, note)


@dataclass(frozen=True)
class Media:
    """A file that a text shows; texts name it as ``media:name``."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Item:
    """A question as it travels: what it asks, and what the bank says about it.

    ``difficulty`` is 1 (easy) to 3 (hard). ``line`` is where it begins in the file it was read from; two items are
    equal wherever they stand.
    """

    content: Question
    identifier: str = ""
    title: str = ""
    marks: Decimal = Decimal(1)
    tags: tuple[str, ...] = ()
    difficulty: int = 2
    objectives: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        for value in (
            self.identifier,
            self.title,
            *self.tags,
            *self.objectives,
            *self.clauses,
            *self.category,
        ):
            if value != one_line(value) or len(value) > LONGEST_LABEL:
                raise ValueError(f"{value[:40]!r} is no line of at most {LONGEST_LABEL} characters")
        if self.difficulty not in {1, 2, 3}:
            raise ValueError("the difficulty is 1, 2 or 3")
        if not (self.marks.is_finite() and 0 < self.marks <= 1000) or self.marks != round(self.marks, 2):
            raise ValueError("marks are more than 0, at most 1000, with at most two decimals")
        names = [media.name for media in self.media]
        if len(set(names)) != len(names):
            raise ValueError("two files of one name")


def one_line(words: str) -> str:
    """``words`` on one line without control characters, spaces joined."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())


@dataclass(frozen=True)
class Reading:
    """What was read of a file, and what could not be kept of it."""

    items: tuple[Item, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Written:
    """A file made of items, and what it could not hold of them."""

    data: bytes = field(repr=False)
    extension: str
    media_type: str
    notes: tuple[Note, ...] = ()
