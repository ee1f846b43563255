"""What every question is made of: texts in two languages, parts to choose among, parameters; plain values without Django.

Whatever reaches these shapes from outside is limited in size and refused by name of the field, and a shape never
changes after it was made.
"""

import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

import re2
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

LONGEST_TEXT = 20_000
LONGEST_PATTERN = 500
MOST_PARTS = 50

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Markdown = Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
Number = Annotated[
    Decimal,
    Field(allow_inf_nan=False, max_digits=30, decimal_places=15, description="Exact; written as a string."),
]
Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=12, decimal_places=10)]
Formula = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]


class Kind(StrEnum):
    SINGLE = "single"
    MULTIPLE = "multiple"
    TRUE_FALSE = "true_false"
    NUMERIC = "numeric"
    SHORT_TEXT = "short_text"
    MATCHING = "matching"
    ORDERING = "ordering"
    CLOZE = "cloze"
    ESSAY = "essay"
    FILE_UPLOAD = "file_upload"
    CODE = "code"
    LAB_TASK = "lab_task"


class Shape(BaseModel):
    """A value that cannot be changed and holds nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)


class Text(Shape):
    """The same words in Chinese and English; one of them may be missing, not both."""

    zh: Markdown = ""
    en: Markdown = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.zh.strip() or self.en.strip()):
            raise ValueError("a text needs words in Chinese or in English")
        return self

    def read_in(self, language: str) -> str:
        """The words in ``language`` ("zh-hans" or "en"), in the other language where these are missing."""
        first, second = (self.zh, self.en) if language.startswith("zh") else (self.en, self.zh)
        return first if first.strip() else second

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(code for code, words in (("zh-hans", self.zh), ("en", self.en)) if words.strip())


class Part(Shape):
    """One of the things a candidate chooses among, matches or puts in order."""

    id: Name
    text: Text


class Option(Part):
    feedback: Text | None = None


Options = Annotated[tuple[Option, ...], Field(min_length=2, max_length=MOST_PARTS)]
Parts = Annotated[tuple[Part, ...], Field(min_length=2, max_length=MOST_PARTS)]


def need_unique(ids: list[str], what: str) -> None:
    """Raises ValueError when two of ``ids`` are the same."""
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ValueError(f"{what} must have different ids; these are there twice: {', '.join(twice)}")


def need_one_of(key: str, options: Sequence[Part]) -> None:
    """Raises ValueError when ``options`` share an id, or none has the id ``key``."""
    need_unique([option.id for option in options], "options")
    if key not in {option.id for option in options}:
        raise ValueError("the right answer is none of the options")


class Parameter(Shape):
    """A number drawn for every paper: from ``low`` to ``high`` (both possible) in steps of ``step``."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,19}$")]
    low: Number
    high: Number
    step: Annotated[Number, Field(gt=0)] = Decimal(1)

    @model_validator(mode="after")
    def _spans(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"{self.name}: the highest value is below the lowest")
        if (self.high - self.low) / self.step > 1_000_000:
            raise ValueError(f"{self.name}: more than a million values; take a larger step")
        return self


class Question(Shape):
    """What every kind of question has."""

    kind: Kind
    stem: Text
    explanation: Text | None = Field(
        None, description="Shown with the results, when the exam's policy says so."
    )
    parameters: Annotated[tuple[Parameter, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _parameters_differ(self) -> Self:
        need_unique([parameter.name for parameter in self.parameters], "parameters")
        return self


def canonical_hash(value: object) -> str:
    """SHA-256 in hex over ``value`` as canonical JSON; equal values have equal hashes."""
    told = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(told.encode()).hexdigest()


def pattern_of(text: str) -> "re2._Regexp[str]":
    """The regular expression ``text``, matched in linear time whatever it is. Raises ValueError for no expression."""
    options = re2.Options()
    options.max_mem = 2**20
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise ValueError(f"no regular expression: {error}") from error
