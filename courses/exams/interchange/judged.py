"""Answers with per cent, as Moodle, GIFT and cloze texts know them, turned into keys, rules and shares of ours."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from courses.exams.content import MultipleRule
from courses.exams.interchange.base import Notes
from courses.exams.shapes import LONGEST_PATTERN, MOST_PARTS, Text, pattern_of

HUNDRED = Decimal(100)
NEAR = Decimal("0.01")
SIGNS = set("\\.+*?()|[]{}^$")
LEVELS = (
    ("未作答或不正确", "Missing or wrong"),
    ("少部分正确", "A little is right"),
    ("一半正确", "Half is right"),
    ("大部分正确", "Most is right"),
    ("完全正确", "All is right"),
)
WHOLE = Text(zh="回答整体", en="The whole answer")


class LeftOut(ValueError):
    """The question has no place here; ``code`` and ``arguments`` say why, and it becomes a note."""

    def __init__(self, code: str, line: int, **arguments: object) -> None:
        self.code, self.line, self.arguments = code, line, arguments
        super().__init__(code)


@dataclass(frozen=True)
class Judged:
    """An answer and what it is worth in per cent; ``words`` as they stand in the file, ``text`` as they are shown."""

    words: str
    percent: Decimal
    line: int
    text: Text | None = None
    feedback: Text | None = None
    tolerance: str = "0"


def letter(place: int) -> str:
    """The id of the option at ``place``: a, b, ... z, then o27 and so on."""
    return chr(ord("a") + place) if place < 26 else f"o{place + 1}"


def decimal_of(words: str, line: int, what: str) -> Decimal:
    """The number ``words`` are. Raises LeftOut."""
    try:
        number = Decimal(words.strip())
    except InvalidOperation:
        raise LeftOut("number_broken", line, what=what, value=words) from None
    if not number.is_finite() or abs(number.adjusted()) > 15 or len(number.as_tuple().digits) > 30:
        raise LeftOut("number_broken", line, what=what, value=words)
    return number


def plain_number(number: Decimal) -> str:
    """``number`` without exponent and without zeros that say nothing."""
    told = f"{number:f}"
    return (told.rstrip("0").rstrip(".") if "." in told else told) or "0"


def options_of(answers: Sequence[Judged]) -> list[dict[str, Any]]:
    """Raises LeftOut for an option without words, or for fewer than two or too many."""
    for answer in answers:
        if answer.text is None:
            raise LeftOut("option_empty", answer.line)
    if not 2 <= len(answers) <= MOST_PARTS:
        line = answers[0].line if answers else 0
        raise LeftOut("option_count", line, count=len(answers), most=MOST_PARTS)
    options = []
    for place, answer in enumerate(answers):
        option: dict[str, Any] = {"id": letter(place), "text": answer.text}
        if answer.feedback is not None:
            option["feedback"] = answer.feedback
        options.append(option)
    return options


def single(answers: Sequence[Judged], notes: Notes, line: int) -> dict[str, Any]:
    """One option counts in full; what others would have been worth is noted. Raises LeftOut."""
    options = options_of(answers)
    best = max(answer.percent for answer in answers)
    key = [place for place, answer in enumerate(answers) if answer.percent == best]
    if best <= 0:
        raise LeftOut("choice_none_right", line)
    if len(key) > 1:
        raise LeftOut("choice_several_right", line, count=len(key))
    if best != HUNDRED:
        notes.changed("choice_full", answers[key[0]].line, percent=plain_number(best))
    for place, answer in enumerate(answers):
        if place != key[0] and answer.percent:
            notes.lost(
                "choice_percent", answer.line, option=answer.words, percent=plain_number(answer.percent)
            )
    return {"kind": "single", "options": options, "key": letter(key[0])}


def multiple(
    answers: Sequence[Judged], notes: Notes, line: int, *, all_or_nothing: bool = False
) -> dict[str, Any]:
    """What is worth more than nothing is right; a rule that comes nearest is taken. Raises LeftOut."""
    options = options_of(answers)
    key = [letter(place) for place, answer in enumerate(answers) if answer.percent > 0]
    if not key:
        raise LeftOut("choice_none_right", line)
    found = {"kind": "multiple", "options": options, "key": key}
    if all_or_nothing:
        return {**found, "rule": MultipleRule.ALL_OR_NOTHING}
    wrong = len(answers) - len(key)
    even = all(abs(answer.percent - HUNDRED / len(key)) < NEAR for answer in answers if answer.percent > 0)
    taken = all(abs(-answer.percent - HUNDRED / wrong) < NEAR for answer in answers if answer.percent <= 0)
    if not (even and taken):
        notes.changed("choice_rule", line)
    return {**found, "rule": MultipleRule.RIGHT_MINUS_WRONG}


def accepted(answers: Sequence[Judged], case: bool, notes: Notes, line: int) -> list[dict[str, Any]]:
    """Texts that count with their shares; ``*`` stands for anything and becomes a regular expression. Raises LeftOut."""
    found: list[dict[str, Any]] = []
    for place, answer in enumerate(answers):
        if answer.percent <= 0:
            if answer.words.strip() != "*" or answer.percent < 0:
                notes.lost("text_worth_nothing", answer.line, text=answer.words)
            if any(later.percent > 0 for later in answers[place + 1 :]) and "*" in answer.words:
                notes.changed("text_order", answer.line, text=answer.words)
            continue
        if _has_star(answer.words) and any(later.percent > answer.percent for later in answers[place + 1 :]):
            notes.changed("text_order", answer.line, text=answer.words)
        text, rule = _pattern(answer.words, case)
        if not 1 <= len(text) <= LONGEST_PATTERN or len(found) >= MOST_PARTS:
            raise LeftOut("text_size", answer.line, most=LONGEST_PATTERN)
        percent = min(answer.percent, HUNDRED)
        if answer.feedback is not None:
            feedback_lost(answer, notes)
        found.append({"text": text, "rule": rule, "share": share(percent)})
    if not found:
        raise LeftOut("choice_none_right", line)
    return found


def share(percent: Decimal) -> str:
    return plain_number(round(percent / HUNDRED, 9))


def feedback_lost(answer: Judged, notes: Notes) -> None:
    if answer.feedback is not None:
        notes.lost(
            "answer_feedback", answer.line, answer=answer.words, feedback=answer.feedback.read_in("zh-hans")
        )


def _has_star(words: str) -> bool:
    return bool(re.search(r"(?<!\\)\*", words))


def _pattern(words: str, case: bool) -> tuple[str, str]:
    if not _has_star(words):
        return words.replace("\\*", "*").strip(), "exact" if case else "normalised"
    pieces = [piece.replace("\\*", "*") for piece in re.split(r"(?<!\\)\*", words.strip())]
    pattern = ("" if case else "(?i)") + ".*".join(escaped(piece) for piece in pieces)
    pattern_of(pattern)
    return pattern, "regex"


def escaped(words: str) -> str:
    """A regular expression for these letters."""
    return "".join(f"\\{sign}" if sign in SIGNS else sign for sign in words)


def starred(pattern: str) -> str | None:
    """The words with ``*`` that become ``pattern`` when they are read; None for any other expression."""
    case, body = (True, pattern) if not pattern.startswith("(?i)") else (False, pattern[4:])
    words = re.sub(
        r"\\(.)|\.\*", lambda found: ("\\*" if found[1] == "*" else found[1]) if found[1] else "*", body
    )
    return words if _has_star(words) and _pattern(words, case)[0] == pattern else None


def numeric(answers: Sequence[Judged], notes: Notes, line: int) -> tuple[str, str]:
    """The key and its tolerance: the answer that is worth most. Raises LeftOut."""
    best = max((answer.percent for answer in answers), default=Decimal(0))
    if best <= 0:
        raise LeftOut("choice_none_right", line)
    right = next(answer for answer in answers if answer.percent == best)
    if right.words.strip() == "*":
        raise LeftOut("number_any", right.line)
    if best != HUNDRED:
        notes.changed("choice_full", right.line, percent=plain_number(best))
    for answer in answers:
        feedback_lost(answer, notes)
        if answer is not right and answer.percent:
            notes.lost("number_other", answer.line, number=answer.words, percent=plain_number(answer.percent))
    return right.words.strip(), right.tolerance.strip() or "0"


def plain_rubric(criterion: Text | None) -> list[dict[str, Any]]:
    """A rubric of one criterion from 0 to 4 points, for a question that came without."""
    levels = [{"points": points, "text": Text(zh=zh, en=en)} for points, (zh, en) in enumerate(LEVELS)]
    return [{"id": "whole", "text": criterion or WHOLE, "levels": levels}]
