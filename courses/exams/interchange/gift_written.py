"""A question in the signs of GIFT, for the kinds it knows."""

import re
from decimal import Decimal

from courses.exams.content import (
    Essay,
    Matching,
    Multiple,
    MultipleRule,
    Numeric,
    ShortText,
    Single,
    TextRule,
    TrueFalse,
)
from courses.exams.interchange.base import Item
from courses.exams.interchange.judged import decimal_of, plain_number, starred
from courses.exams.interchange.spoken import write_text
from courses.exams.shapes import Question, Text


def question_of(item: Item) -> str | None:
    """The question as a block of lines; None for a kind that GIFT does not know."""
    answers = _answers(item.content)
    if answers is None or item.content.parameters:
        return None
    labels = [f"[id:{_bracketed(item.identifier)}]"] if item.identifier else []
    labels += [f"[tag:{_bracketed(tag)}]" for tag in item.tags]
    comment = f"// {' '.join(labels)}\n" if labels else ""
    title = f"::{escaped_label(item.title)}::" if item.title else ""
    explanation = item.content.explanation
    general = f" ####{_text(explanation)}" if explanation is not None else ""
    return f"{comment}{title}[markdown]{_text(item.content.stem)}{{{answers}{general}}}"


def escaped_label(words: str) -> str:
    return re.sub(r"([\\:#={}~])", r"\\\1", words)


def _bracketed(words: str) -> str:
    return words.replace("]", "\\]")


def _escaped(words: str) -> str:
    """``words`` on one line, with no sign that means something in GIFT."""
    return re.sub(r"([\\:#={}~])", r"\\\1", words).replace("\n", "\\n")


def _text(text: Text) -> str:
    return _escaped(write_text(text, "markdown"))


def _part(text: Text) -> str:
    words = _text(text)
    return f"[markdown]{words}" if words.startswith("[") else words


def _answers(content: Question) -> str | None:
    match content:
        case Single() | Multiple():
            return _choices(content)
        case TrueFalse():
            return "TRUE" if content.key else "FALSE"
        case Numeric():
            return _number(content)
        case ShortText():
            return _texts(content)
        case Matching():
            return _pairs(content)
        case Essay():
            return ""
    return None


def _choices(content: Single | Multiple) -> str:
    single = isinstance(content, Single)
    key = {content.key} if isinstance(content, Single) else set(content.key)
    right = plain_number(round(Decimal(100) / len(key), 5))
    wrong = len(content.options) - len(key)
    lost = plain_number(round(Decimal(-100) / wrong, 5)) if wrong else "0"
    if isinstance(content, Multiple) and content.rule is MultipleRule.ALL_OR_NOTHING:
        lost = "-100"
    told = []
    for option in content.options:
        words = _part(option.text)
        feedback = f"#{_part(option.feedback)}" if option.feedback is not None else ""
        if single:
            mark = "=" if option.id in key else "~%0%" if words.startswith("%") else "~"
            mark += "%100%" if mark == "=" and words.startswith("%") else ""
        else:
            mark = f"~%{right if option.id in key else lost}%"
        told.append(f"{mark}{words}{feedback}")
    return " ".join(told)


def _number(content: Numeric) -> str | None:
    try:
        key = plain_number(decimal_of(content.key, 0, "key"))
    except ValueError:
        return None
    return f"#{key}" + (f":{plain_number(content.tolerance)}" if content.tolerance else "")


def _texts(content: ShortText) -> str | None:
    told = []
    for one in content.accepted:
        words = starred(one.text) if one.rule is TextRule.REGEX else one.text.replace("*", "\\*")
        if words is None:
            continue
        share = plain_number(one.share * 100)
        mark = "=" if share == "100" and not words.startswith("%") else f"=%{share}%"
        told.append(mark + _escaped(words))
    return " ".join(told) or None


def _pairs(content: Matching) -> str:
    # What stands on the right is read without a form of its own.
    right = {part.id: _text(part.text) for part in content.right}
    pairs = [(_part(part.text), right[content.key[part.id]]) for part in content.left]
    pairs += [("", words) for name, words in right.items() if name not in set(content.key.values())]
    return " ".join(f"={left} -> {answer}" for left, answer in pairs)
