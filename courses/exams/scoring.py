"""What an answer is worth: pure, exact, and the same answer for ever under the same version of the scorer.

A score is a fraction of the question's marks from 0 to 1. Nothing is rounded here, nothing is guessed: a short text
that is nearly right is wrong. A change in what an answer is worth is a new version beside the old one; papers name
the version they are scored by, and a regrade names another.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Any

from courses.exams.content import (
    Accepted,
    ChoiceGap,
    Cloze,
    Code,
    LabTask,
    Marked,
    Matching,
    Multiple,
    MultipleRule,
    NumberGap,
    Numeric,
    Ordering,
    OrderingRule,
    ShortText,
    Single,
    TextRule,
    ToleranceRule,
    TrueFalse,
    UnitRule,
)
from courses.exams.parameters import evaluate
from courses.exams.shapes import Question, pattern_of

NOTHING, ALL = Fraction(0), Fraction(1)
NUMBER = re.compile(r"^[+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,40})?(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?$")
MOST_EXPONENT = 300


class Waiting(StrEnum):
    """What a score still needs: a person who marks, or the results of the checks that run for it."""

    MARKER = "marker"
    EVIDENCE = "evidence"


@dataclass(frozen=True)
class PartScore:
    """What one pair, place, gap, test or check of the answer is worth, of its weight."""

    name: str
    share: Fraction
    weight: int = 1


@dataclass(frozen=True)
class Score:
    """``fraction`` of the marks; None while ``waiting`` for somebody or something."""

    fraction: Fraction | None
    parts: tuple[PartScore, ...] = ()
    waiting: Waiting | None = None


def score(
    question: Question, answer: Any, evidence: Mapping[str, bool] | None = None, *, version: int | None = None
) -> Score:
    """What ``answer`` (from ``answers.read_answer``, None when nothing was answered) to ``question`` is worth.

    ``evidence`` says by name which tests of a program or checks of a lab were passed. Raises KeyError for an unknown
    version of the scorer.
    """
    return SCORERS[LATEST if version is None else version](question, answer, evidence)


def score_rubric(question: Marked, points: Mapping[str, int]) -> Score:
    """What a marker's points by criterion are worth. Raises ValueError for a criterion or points that do not exist."""
    if set(points) != {criterion.id for criterion in question.rubric}:
        raise ValueError("points for every criterion are needed, and for nothing else")
    for criterion in question.rubric:
        if points[criterion.id] not in {level.points for level in criterion.levels}:
            raise ValueError(f"{criterion.id} has no level of {points[criterion.id]} points")
    parts = tuple(
        PartScore(criterion.id, Fraction(points[criterion.id], criterion.most), criterion.most)
        for criterion in question.rubric
    )
    return weighed(parts)


def weighed(parts: Iterable[PartScore]) -> Score:
    """Each part counts by its weight."""
    parts = tuple(parts)
    total = sum(part.weight for part in parts)
    return Score(
        sum((part.share * part.weight for part in parts), NOTHING) / total if total else NOTHING, parts
    )


def score_1(question: Question, answer: Any, evidence: Mapping[str, bool] | None) -> Score:
    """Version 1."""
    if answer is None:
        return Score(NOTHING)
    match question:
        case Single():
            return Score(right(answer.choice == question.key))
        case Multiple():
            return Score(multiple(question, set(answer.choices)))
        case TrueFalse():
            return Score(right(answer.value is question.key))
        case Numeric():
            return Score(numeric(question, answer.value, answer.unit))
        case ShortText():
            return Score(best(question.accepted, answer.text))
        case Matching():
            return weighed(
                PartScore(left, right(answer.pairs.get(left) == key)) for left, key in question.key.items()
            )
        case Ordering():
            return ordering(question, list(answer.order))
        case Cloze():
            return weighed(
                PartScore(gap.id, in_gap(gap, answer.gaps.get(gap.id, "")), gap.weight)
                for gap in question.gaps
            )
        case Marked():
            return Score(None, waiting=Waiting.MARKER)
        case Code():
            return shown(evidence, {test.id: test.weight for test in question.tests})
        case LabTask():
            return shown(evidence, {check.name: check.weight for check in question.checks})
    raise TypeError(f"{type(question).__name__} is no kind of question")


def right(is_right: bool) -> Fraction:
    return ALL if is_right else NOTHING


def multiple(question: Multiple, chosen: set[str]) -> Fraction:
    """By the question's rule; choosing wrong options never costs more than everything."""
    key, options = set(question.key), {option.id for option in question.options}
    if question.rule is MultipleRule.ALL_OR_NOTHING:
        return right(chosen == key)
    if question.rule is MultipleRule.EACH_OPTION:
        judged_right = sum((option in chosen) == (option in key) for option in options)
        return Fraction(judged_right, len(options)) if chosen else NOTHING
    wrong = options - key
    lost = Fraction(len(chosen & wrong), len(wrong)) if wrong else NOTHING
    return max(NOTHING, Fraction(len(chosen & key), len(key)) - lost)


def numeric(question: Numeric, given: str, unit: str) -> Fraction:
    """All or nothing: the number within the tolerance (its edges count), in a unit that is known."""
    value = number(given)
    if value is None:
        return NOTHING
    factors = {plain(known.name): Fraction(known.factor) for known in question.units}
    if question.unit_rule is UnitRule.NONE:
        factor = None if unit.strip() else ALL
    elif not unit.strip():
        factor = ALL if question.unit_rule is UnitRule.OPTIONAL else None
    else:
        factor = factors.get(plain(unit))
    if factor is None:
        return NOTHING
    key = evaluate(question.key)
    tolerance = Fraction(question.tolerance)
    if question.tolerance_rule is ToleranceRule.RELATIVE:
        tolerance *= abs(key)
    return right(abs(value / factor - key) <= tolerance)


def number(given: str) -> Fraction | None:
    """The number somebody wrote, exactly; None when it is none. Full width digits and thousands' commas are read."""
    written = unicodedata.normalize("NFKC", given).replace("\u2212", "-").replace(" ", "")
    if not NUMBER.match(written) or not any(sign.isdigit() for sign in re.split("[eE]", written)[0]):
        return None
    exponent = re.search(r"[eE]([+-]?\d+)$", written)
    if exponent and abs(int(exponent[1])) > MOST_EXPONENT:
        return None
    return Fraction(Decimal(written.replace(",", "")))


def best(accepted: Iterable[Accepted], given: str) -> Fraction:
    """The largest share among what accepts ``given``."""
    return max((Fraction(one.share) for one in accepted if accepts(one, given)), default=NOTHING)


def accepts(accepted: Accepted, given: str) -> bool:
    if accepted.rule is TextRule.EXACT:
        return given.strip() == accepted.text.strip()
    if accepted.rule is TextRule.NORMALISED:
        return plain(given) == plain(accepted.text)
    return pattern_of(accepted.text).fullmatch(given.strip()) is not None


def plain(text: str) -> str:
    """``text`` without differences of case, width, composition and spacing; its letters and signs stay."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def ordering(question: Ordering, order: list[str]) -> Score:
    """By the question's rule; what was not put anywhere is wrong."""
    key = [item.id for item in question.items]
    if question.rule is OrderingRule.ALL_OR_NOTHING:
        return Score(right(order == key))
    if question.rule is OrderingRule.PLACES:
        placed = dict(enumerate(order))
        return weighed(PartScore(item, right(placed.get(place) == item)) for place, item in enumerate(key))
    follows = dict(pairwise(order))
    return weighed(
        PartScore(f"{one}>{other}", right(follows.get(one) == other)) for one, other in pairwise(key)
    )


def in_gap(gap: Any, given: str) -> Fraction:
    if isinstance(gap, ChoiceGap):
        return right(given == gap.key)
    if isinstance(gap, NumberGap):
        value = number(given)
        return right(value is not None and abs(value - evaluate(gap.key)) <= Fraction(gap.tolerance))
    return best(gap.accepted, given)


def shown(evidence: Mapping[str, bool] | None, weights: Mapping[str, int]) -> Score:
    """By what ran; a test without a result was not passed. Without named ones, everything that ran counts the same."""
    if evidence is None:
        return Score(None, waiting=Waiting.EVIDENCE)
    return weighed(
        PartScore(name, right(evidence.get(name, False)), weight)
        for name, weight in (weights or dict.fromkeys(sorted(evidence), 1)).items()
    )


SCORERS: dict[int, Callable[[Question, Any, Mapping[str, bool] | None], Score]] = {1: score_1}
LATEST = max(SCORERS)
