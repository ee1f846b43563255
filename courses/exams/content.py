"""What a question asks and which answers are right; one shape per kind of question.

A shape says only what is asked: marks, tags and review belong to the bank, order and chance to the paper.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from courses.exams.shapes import (
    LONGEST_PATTERN,
    MOST_PARTS,
    Formula,
    Kind,
    Line,
    Markdown,
    Name,
    Number,
    Options,
    Parts,
    Question,
    Shape,
    Share,
    Text,
    canonical_hash,
    need_one_of,
    need_unique,
    pattern_of,
)


class Single(Question):
    """One option of several. Answer: ``{"choice": id}``."""

    kind: Literal[Kind.SINGLE] = Kind.SINGLE
    options: Options
    key: Name
    shuffle: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        need_one_of(self.key, self.options)
        return self


class MultipleRule(StrEnum):
    """What a partly right choice is worth."""

    ALL_OR_NOTHING = "all_or_nothing"
    RIGHT_MINUS_WRONG = "right_minus_wrong"
    EACH_OPTION = "each_option"


class Multiple(Question):
    """Any number of several options. Answer: ``{"choices": [id, ...]}``."""

    kind: Literal[Kind.MULTIPLE] = Kind.MULTIPLE
    options: Options
    key: Annotated[tuple[Name, ...], Field(min_length=1)]
    rule: MultipleRule = MultipleRule.ALL_OR_NOTHING
    shuffle: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        need_unique([option.id for option in self.options], "options")
        need_unique(list(self.key), "right answers")
        strange = set(self.key) - {option.id for option in self.options}
        if strange:
            raise ValueError(f"right answers that are no options: {', '.join(sorted(strange))}")
        return self


class TrueFalse(Question):
    """A statement to judge. Answer: ``{"value": true}``."""

    kind: Literal[Kind.TRUE_FALSE] = Kind.TRUE_FALSE
    key: bool


class Unit(Shape):
    """A unit a number may be given in: ``factor`` of it make one of the unit that the key is in."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=20, strip_whitespace=True)]
    factor: Annotated[Number, Field(gt=0)] = Decimal(1)


class UnitRule(StrEnum):
    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class ToleranceRule(StrEnum):
    """How far from the key a number may be: by so much, or by such a share of the key."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"


class Numeric(Question):
    """A number, perhaps with a unit. Answer: ``{"value": "3.5", "unit": "GiB"}``; the unit may be missing.

    The key is a number, or a formula over the question's parameters.
    """

    kind: Literal[Kind.NUMERIC] = Kind.NUMERIC
    key: Formula
    tolerance: Annotated[Number, Field(ge=0)] = Decimal(0)
    tolerance_rule: ToleranceRule = ToleranceRule.ABSOLUTE
    units: Annotated[tuple[Unit, ...], Field(max_length=20)] = ()
    unit_rule: UnitRule = UnitRule.NONE

    @model_validator(mode="after")
    def _units_fit(self) -> Self:
        need_unique([unit.name for unit in self.units], "units")
        if (self.unit_rule is UnitRule.NONE) == bool(self.units):
            raise ValueError("name units when they are optional or required, and none otherwise")
        return self


class TextRule(StrEnum):
    """When a short text counts: letter by letter; but for case, width and spaces; by a regular expression."""

    EXACT = "exact"
    NORMALISED = "normalised"
    REGEX = "regex"


class Accepted(Shape):
    """A text that counts, and for which share of the marks."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PATTERN)]
    rule: TextRule = TextRule.NORMALISED
    share: Share = Decimal(1)

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        if self.rule is TextRule.REGEX:
            pattern_of(self.text)
        return self


class ShortText(Question):
    """A word or a line. Answer: ``{"text": "chmod 644"}``. The best of what is accepted counts; nothing is guessed."""

    kind: Literal[Kind.SHORT_TEXT] = Kind.SHORT_TEXT
    accepted: Annotated[tuple[Accepted, ...], Field(min_length=1, max_length=MOST_PARTS)]


class Matching(Question):
    """Each item on the left belongs to one on the right; more on the right than needed distract.

    Answer: ``{"pairs": {left id: right id}}``. Every pair counts the same.
    """

    kind: Literal[Kind.MATCHING] = Kind.MATCHING
    left: Parts
    right: Parts
    key: dict[Name, Name]
    shuffle: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        left, right = [part.id for part in self.left], [part.id for part in self.right]
        need_unique(left, "items on the left")
        need_unique(right, "items on the right")
        if set(self.key) != set(left):
            raise ValueError("every item on the left needs its match, and nothing else does")
        if not set(self.key.values()) <= set(right):
            raise ValueError("a match is none of the items on the right")
        return self


class OrderingRule(StrEnum):
    """What a partly right order is worth: nothing, each place, or each pair of neighbours."""

    ALL_OR_NOTHING = "all_or_nothing"
    PLACES = "places"
    NEIGHBOURS = "neighbours"


class Ordering(Question):
    """Items to put in order, given here in the right one. Answer: ``{"order": [id, ...]}``."""

    kind: Literal[Kind.ORDERING] = Kind.ORDERING
    items: Parts
    rule: OrderingRule = OrderingRule.ALL_OR_NOTHING

    @model_validator(mode="after")
    def _items_differ(self) -> Self:
        need_unique([item.id for item in self.items], "items")
        return self


class GapBase(Shape):
    id: Name
    weight: Annotated[int, Field(ge=1, le=100)] = 1


class TextGap(GapBase):
    kind: Literal["text"] = "text"
    accepted: Annotated[tuple[Accepted, ...], Field(min_length=1, max_length=MOST_PARTS)]


class NumberGap(GapBase):
    kind: Literal["number"] = "number"
    key: Formula
    tolerance: Annotated[Number, Field(ge=0)] = Decimal(0)


class ChoiceGap(GapBase):
    kind: Literal["choice"] = "choice"
    options: Parts
    key: Name

    @model_validator(mode="after")
    def _fits(self) -> Self:
        need_one_of(self.key, self.options)
        return self


Gap = Annotated[TextGap | NumberGap | ChoiceGap, Field(discriminator="kind")]


class Cloze(Question):
    """A text with gaps; the stem says ``[[id]]`` where each is. Answer: ``{"gaps": {id: "text, number or option id"}}``."""

    kind: Literal[Kind.CLOZE] = Kind.CLOZE
    gaps: Annotated[tuple[Gap, ...], Field(min_length=1, max_length=MOST_PARTS)]

    @model_validator(mode="after")
    def _every_gap_is_in_the_text_once(self) -> Self:
        need_unique([gap.id for gap in self.gaps], "gaps")
        for words in filter(str.strip, (self.stem.zh, self.stem.en)):
            missing = [gap.id for gap in self.gaps if words.count(f"[[{gap.id}]]") != 1]
            if missing:
                raise ValueError(f"the text must say [[{missing[0]}]] exactly once in every language it has")
        return self


class RubricLevel(Shape):
    """How well a criterion is met; ``points`` of the criterion's most."""

    points: Annotated[int, Field(ge=0, le=1000)]
    text: Text


class Criterion(Shape):
    id: Name
    text: Text
    levels: Annotated[tuple[RubricLevel, ...], Field(min_length=2, max_length=10)]

    @property
    def most(self) -> int:
        return max(level.points for level in self.levels)

    @model_validator(mode="after")
    def _levels_differ(self) -> Self:
        points = [level.points for level in self.levels]
        if len(set(points)) != len(points) or not max(points):
            raise ValueError("levels need different points, one of them above zero")
        return self


Rubric = Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=20)]


class Marked(Question):
    """What a person marks by a rubric; the answer's score is its points of the rubric's most."""

    rubric: Rubric

    @model_validator(mode="after")
    def _criteria_differ(self) -> Self:
        need_unique([criterion.id for criterion in self.rubric], "criteria")
        return self

    @property
    def most_points(self) -> int:
        return sum(criterion.most for criterion in self.rubric)


class Essay(Marked):
    """A longer text. Answer: ``{"text": "..."}``. Words count as characters in Chinese."""

    kind: Literal[Kind.ESSAY] = Kind.ESSAY
    least_words: Annotated[int, Field(ge=0, le=20_000)] = 0
    most_words: Annotated[int, Field(ge=1, le=20_000)] = 2_000

    @model_validator(mode="after")
    def _a_length_can_be_met(self) -> Self:
        if self.least_words > self.most_words:
            raise ValueError("more words are asked for than allowed")
        return self


class FileUpload(Marked):
    """Files. Answer: ``{"files": [{"id": ..., "name": ..., "bytes": ..., "sha256": ...}]}``; the bytes lie in the store."""

    kind: Literal[Kind.FILE_UPLOAD] = Kind.FILE_UPLOAD
    extensions: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,10}$")], ...],
        Field(min_length=1, max_length=20),
    ]
    most_files: Annotated[int, Field(ge=1, le=10)] = 1
    most_bytes: Annotated[int, Field(ge=1, le=50 * 2**20, description="Of each file.")] = 10 * 2**20


class CodeTest(Shape):
    """A run of the candidate's program: what it is given and what it has to print, trailing space aside."""

    id: Name
    stdin: Markdown = ""
    stdout: Markdown = ""
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    hidden: bool = True


class Language(StrEnum):
    PYTHON = "python"
    SHELL = "shell"


class Code(Question):
    """A program, run in a sandbox against tests. Answer: ``{"source": "..."}``."""

    kind: Literal[Kind.CODE] = Kind.CODE
    language: Language
    starter: Markdown = ""
    tests: Annotated[tuple[CodeTest, ...], Field(min_length=1, max_length=MOST_PARTS)]
    most_seconds: Annotated[int, Field(ge=1, le=60, description="Of each run.")] = 10

    @model_validator(mode="after")
    def _tests_differ(self) -> Self:
        need_unique([test.id for test in self.tests], "tests")
        return self


class WeightedCheck(Shape):
    """A check of the lab by its name, ``step/check``, and what it counts."""

    name: Line
    weight: Annotated[int, Field(ge=1, le=100)] = 1


class LabTask(Question):
    """Work at a lab's machines in exam mode. Answer: ``{"session": id}``; the checks' results are the evidence.

    No named checks means every check of the lab, each counting the same.
    """

    kind: Literal[Kind.LAB_TASK] = Kind.LAB_TASK
    lab: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
    checks: Annotated[tuple[WeightedCheck, ...], Field(max_length=MOST_PARTS)] = ()

    @model_validator(mode="after")
    def _checks_differ(self) -> Self:
        need_unique([check.name for check in self.checks], "checks")
        return self


Content = Annotated[
    Single
    | Multiple
    | TrueFalse
    | Numeric
    | ShortText
    | Matching
    | Ordering
    | Cloze
    | Essay
    | FileUpload
    | Code
    | LabTask,
    Field(discriminator="kind"),
]

_contents: TypeAdapter[Any] = TypeAdapter(Content)


def read_content(raw: object) -> Question:
    """The question that ``raw`` (as parsed from JSON) describes. Raises pydantic.ValidationError, a ValueError."""
    question: Question = _contents.validate_python(raw)
    return question


def write_content(question: Question) -> dict[str, Any]:
    """``question`` as JSON values; ``read_content`` gives an equal one back."""
    return question.model_dump(mode="json", exclude_none=True)


def content_hash(question: Question) -> str:
    """SHA-256 in hex over the canonical JSON (sorted keys, no spaces, UTF-8) of ``question``."""
    return canonical_hash(write_content(question))
