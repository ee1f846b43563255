"""The right answer of a question in words, for those who may read its key."""

from courses.exams.content import (
    Accepted,
    ChoiceGap,
    Cloze,
    Code,
    LabTask,
    Marked,
    Matching,
    Multiple,
    NumberGap,
    Numeric,
    Ordering,
    ShortText,
    Single,
    ToleranceRule,
    TrueFalse,
)
from courses.exams.shapes import Question
from courses.exams.showing import plain


def key_lines(question: Question, language: str) -> list[str]:
    """What is right, a line each; for work that is marked or run, what it is marked by."""
    match question:
        case Single():
            return [plain(option.text, language) for option in question.options if option.id == question.key]
        case Multiple():
            return [plain(option.text, language) for option in question.options if option.id in question.key]
        case TrueFalse():
            return ["✓" if question.key else "✗"]
        case Numeric():
            return [_number(question)]
        case ShortText():
            return _accepted(question.accepted)
        case Matching():
            right = {part.id: plain(part.text, language) for part in question.right}
            return [
                f"{plain(part.text, language)} → {right[question.key[part.id]]}" for part in question.left
            ]
        case Ordering():
            return [f"{place}. {plain(item.text, language)}" for place, item in enumerate(question.items, 1)]
        case Cloze():
            return [f"[[{gap.id}]] {_gap(gap, language)}" for gap in question.gaps]
        case Marked():
            return [f"{plain(one.text, language)} (0–{one.most})" for one in question.rubric]
        case Code():
            return [f"{test.id} × {test.weight}" for test in question.tests]
        case LabTask():
            return [f"{check.name} × {check.weight}" for check in question.checks] or [question.lab]
    raise TypeError(f"{type(question).__name__} is no kind of question")


def _number(question: Numeric) -> str:
    share = question.tolerance_rule is ToleranceRule.RELATIVE
    tolerance = f" ± {question.tolerance}{' ×' if share else ''}" if question.tolerance else ""
    units = ", ".join(f"{unit.name} ({unit.factor})" for unit in question.units)
    return f"{question.key}{tolerance} {units}".strip()


def _accepted(accepted: tuple[Accepted, ...]) -> list[str]:
    return [f"{one.text} ({one.rule.value}, {one.share})" for one in accepted]


def _gap(gap: object, language: str) -> str:
    if isinstance(gap, ChoiceGap):
        return next(plain(option.text, language) for option in gap.options if option.id == gap.key)
    if isinstance(gap, NumberGap):
        return f"{gap.key} ± {gap.tolerance}" if gap.tolerance else gap.key
    return " / ".join(_accepted(gap.accepted))  # type: ignore[attr-defined]
