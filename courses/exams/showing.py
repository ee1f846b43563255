"""A question as its candidates see it: in one language, in a paper's order, and without anything that tells the key."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe

from courses.exams.content import (
    ChoiceGap,
    Cloze,
    Code,
    CodeTest,
    Essay,
    FileUpload,
    LabTask,
    Matching,
    Multiple,
    NumberGap,
    Numeric,
    Ordering,
    Single,
    UnitRule,
)
from courses.exams.shapes import Part, Question, Text
from labs.api import render_markdown

GAP = re.compile(r"\[\[([a-z0-9][a-z0-9_-]{0,39})\]\]")
ONE_PARAGRAPH = re.compile(r"^<p>((?:(?!</?p>).)*)</p>\s*$", re.DOTALL)


@dataclass(frozen=True)
class Choice:
    """Something to choose, match or put in order; ``given`` is whether it was chosen, or its place."""

    id: str
    html: SafeString
    plain: str
    given: Any = ""


@dataclass(frozen=True)
class ShownGap:
    id: str
    number: int
    kind: str
    choices: tuple[Choice, ...]
    given: str


@dataclass(frozen=True)
class Piece:
    """A stretch of a cloze's text and the gap behind it; the last has none."""

    html: SafeString
    gap: ShownGap | None


@dataclass(frozen=True)
class Shown:
    """What ``template`` draws; fields of the form begin with ``name``."""

    kind: str
    name: str
    language: str
    stem: SafeString
    choices: tuple[Choice, ...] = ()
    left: tuple[Choice, ...] = ()
    pieces: tuple[Piece, ...] = ()
    examples: tuple[CodeTest, ...] = ()
    given: str = ""
    unit: str = ""
    asks_unit: bool = False
    unit_needed: bool = False
    least_words: int = 0
    most_words: int = 0
    extensions: tuple[str, ...] = ()
    most_files: int = 0
    most_mib: int = 0
    programming_language: str = ""
    lab: str = ""

    @property
    def template(self) -> str:
        return f"courses/questions/{self.kind}.html"

    @property
    def places(self) -> range:
        return range(1, len(self.choices) + 1)


def rendered(markdown: str) -> SafeString:
    return mark_safe(render_markdown(markdown))  # noqa: S308 - the renderer answers safe HTML


def block(text: Text, language: str) -> SafeString:
    return rendered(text.read_in(language))


def line(text: Text, language: str) -> SafeString:
    """As ``block``, without the paragraph around a single one, to stand in a label."""
    rendered = block(text, language)
    alone = ONE_PARAGRAPH.match(rendered)
    return mark_safe(alone[1]) if alone else rendered  # noqa: S308 - a part of safe HTML between whole tags


def plain(text: Text, language: str) -> str:
    """The words alone, for places that take no markup."""
    return " ".join(html.unescape(strip_tags(block(text, language))).split())


def show(
    question: Question,
    language: str,
    *,
    order: Sequence[str] = (),
    given: Mapping[str, Any] | None = None,
    name: str = "answer",
) -> Shown:
    """``question`` (its parameters drawn) in ``language``, with what was answered already.

    ``order`` is the paper's (``drawing.option_order``); without it options stand as they were written.
    """
    answered = given or {}
    base: dict[str, Any] = {
        "kind": question.kind.value,
        "name": name,
        "language": spoken(question, language),
        "stem": block(question.stem, language),
    }
    match question:
        case Single():
            base["choices"] = _choices(question.options, language, order, {answered.get("choice", "")})
        case Multiple():
            base["choices"] = _choices(question.options, language, order, set(answered.get("choices", ())))
        case Matching():
            base["choices"] = _choices(question.right, language, order)
            pairs = answered.get("pairs", {})
            base["left"] = tuple(
                Choice(part.id, line(part.text, language), plain(part.text, language), pairs.get(part.id, ""))
                for part in question.left
            )
        case Ordering():
            places = {item: place for place, item in enumerate(answered.get("order", ()), start=1)}
            base["choices"] = tuple(
                Choice(one.id, one.html, one.plain, places.get(one.id, ""))
                for one in _choices(question.items, language, order)
            )
        case Cloze():
            base["pieces"] = _pieces(question, base["stem"], language, answered.get("gaps", {}))
        case Numeric():
            base |= {
                "given": answered.get("value", ""),
                "unit": answered.get("unit", ""),
                "asks_unit": question.unit_rule is not UnitRule.NONE,
                "unit_needed": question.unit_rule is UnitRule.REQUIRED,
            }
        case _:
            base |= _open(question, answered)
    return Shown(**base)


def _open(question: Question, answered: Mapping[str, Any]) -> dict[str, Any]:
    match question:
        case Essay():
            return {
                "given": answered.get("text", ""),
                "least_words": question.least_words,
                "most_words": question.most_words,
            }
        case FileUpload():
            return {
                "extensions": question.extensions,
                "most_files": question.most_files,
                "most_mib": question.most_bytes // 2**20 or 1,
            }
        case Code():
            return {
                "given": answered.get("source", question.starter),
                "examples": tuple(test for test in question.tests if not test.hidden),
                "programming_language": question.language.value,
            }
        case LabTask():
            return {"lab": question.lab}
    if "value" in answered:
        return {"given": "true" if answered["value"] else "false"}
    return {"given": answered.get("text", "")}


def spoken(question: Question, language: str) -> str:
    """The language the stem can be read in: ``language``, or the other one where its words are missing."""
    wanted = "zh-hans" if language.startswith("zh") else "en"
    languages = question.stem.languages
    return wanted if wanted in languages else languages[0]


def _choices(
    parts: Sequence[Part], language: str, order: Sequence[str], chosen: set[str] | None = None
) -> tuple[Choice, ...]:
    by_id = {part.id: part for part in parts}
    ids = list(order) if set(order) == set(by_id) else list(by_id)
    return tuple(
        Choice(
            name,
            line(by_id[name].text, language),
            plain(by_id[name].text, language),
            name in (chosen or set()),
        )
        for name in ids
    )


def _pieces(question: Cloze, stem: SafeString, language: str, given: Mapping[str, str]) -> tuple[Piece, ...]:
    gaps = {gap.id: gap for gap in question.gaps}
    told = GAP.split(stem)
    pieces = []
    for number, index in enumerate(range(0, len(told), 2), start=1):
        gap = gaps.get(told[index + 1]) if index + 1 < len(told) else None
        shown = None
        if gap is not None:
            choices = _choices(gap.options, language, ()) if isinstance(gap, ChoiceGap) else ()
            kind = "number" if isinstance(gap, NumberGap) else "choice" if choices else "text"
            shown = ShownGap(gap.id, number, kind, choices, given.get(gap.id, ""))
        unknown = f"[[{told[index + 1]}]]" if shown is None and index + 1 < len(told) else ""
        pieces.append(Piece(mark_safe(told[index] + unknown), shown))  # noqa: S308 - safe HTML between gaps
    return tuple(pieces)
