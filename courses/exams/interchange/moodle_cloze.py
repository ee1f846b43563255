"""Moodle's embedded answers, ``{1:SHORTANSWER:=text~%50%other#feedback}``: gaps of ours, read and written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from html import unescape
from typing import Any

from courses.exams.content import ChoiceGap, Cloze, NumberGap, TextGap, TextRule
from courses.exams.interchange import judged
from courses.exams.interchange.base import Notes
from courses.exams.interchange.judged import HUNDRED, Judged, LeftOut
from courses.exams.interchange.markup import plain_to_markdown
from courses.exams.interchange.spoken import read_text
from courses.exams.shapes import MOST_PARTS, Text

BEGIN = re.compile(r"(?<!\\)\{\s{0,5}(\d{0,3})\s{0,5}:\s{0,5}([A-Z_]{2,20})\s{0,5}:")
TEXTS = {"SHORTANSWER", "SA", "MW"}
CASED = {"SHORTANSWER_C", "SAC", "MWC"}
NUMBERS = {"NUMERICAL", "NM"}
CHOICES = {
    *("MULTICHOICE", "MC", "MULTICHOICE_V", "MCV", "MULTICHOICE_H", "MCH"),
    *("MULTICHOICE_S", "MCS", "MULTICHOICE_VS", "MCVS", "MULTICHOICE_HS", "MCHS"),
}
SEVERAL = {
    "MULTIRESPONSE",
    "MR",
    "MULTIRESPONSE_H",
    "MRH",
    "MULTIRESPONSE_S",
    "MRS",
    "MULTIRESPONSE_HS",
    "MRHS",
}
# Stand for a gap while the text around it is converted; HTML and Markdown leave them alone.
OPEN, CLOSE = "\ue1f0", "\ue1f1"


@dataclass(frozen=True)
class Found:
    """An embedded question: what it is worth, its kind, and its answers."""

    weight: int
    kind: str
    answers: tuple[Judged, ...]
    line: int


def read_gaps(words: str, language: str, notes: Notes, line: int) -> tuple[str, list[dict[str, Any]]]:
    """``words`` with a mark for each gap, and the gaps. Raises LeftOut."""
    told, at = "", 0
    gaps: list[dict[str, Any]] = []
    while begin := BEGIN.search(words, at):
        if len(gaps) >= MOST_PARTS:
            raise LeftOut("option_count", line, count=len(gaps) + 1, most=MOST_PARTS)
        here = line + words.count("\n", 0, begin.start())
        end = re.compile(r"(?<!\\)\}").search(words, begin.end())
        if end is None:
            raise LeftOut("cloze_open", here)
        found = Found(
            int(begin[1] or 1), begin[2], _answers(words[begin.end() : end.start()], notes, here), here
        )
        name = f"g{len(gaps) + 1}"
        gaps.append({"id": name, **_gap(found, language, notes)})
        told += f"{words[at : begin.start()]}{OPEN}{name}{CLOSE}"
        at = end.end()
    return told + words[at:], gaps


def merged(one: list[dict[str, Any]], other: list[dict[str, Any]], line: int) -> list[dict[str, Any]]:
    """The gaps of the same text in two languages as one list. Raises LeftOut where they do not ask the same."""

    def bare(gaps: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**gap, "options": len(gap.get("options", ()))} for gap in gaps]

    if bare(one) != bare(other):
        raise LeftOut("cloze_languages", line)
    for gap, twin in zip(one, other, strict=True):
        for option, same in zip(gap.get("options", ()), twin.get("options", ()), strict=True):
            option["text"] |= same["text"]
    return one


def named(markdown: str) -> str:
    """The text with ``[[id]]`` where a mark was."""
    return markdown.replace(OPEN, "[[").replace(CLOSE, "]]")


def _answers(words: str, notes: Notes, line: int) -> tuple[Judged, ...]:
    answers: list[Judged] = []
    for piece in re.split(r"(?<!\\)~", words):
        if not piece.strip() and not answers:
            continue
        found = re.match(r"\s*(?:(=)|%(-?\d{1,3}(?:\.\d{1,10})?)%)?", piece)
        percent = HUNDRED if found and found[1] else Decimal(found[2] if found and found[2] else 0)
        answer, _, feedback = _split(piece[found.end() if found else 0 :])
        said = read_text(feedback, "html", notes, line) if feedback.strip() else None
        answers.append(Judged(answer, percent, line, None, said))
    return tuple(answers)


def _split(words: str) -> tuple[str, str, str]:
    mark = re.search(r"(?<!\\)(?<!&)#", words)
    answer = words[: mark.start()] if mark else words
    return _plain(answer), "#", _plain(words[mark.end() :]) if mark else ""


def _plain(words: str) -> str:
    return re.sub(r"\\([\\}#~/\"=])", r"\1", unescape(words)).strip()


def _gap(found: Found, language: str, notes: Notes) -> dict[str, Any]:
    weight = found.weight or 1
    if found.kind in TEXTS | CASED:
        answers = judged.accepted(found.answers, found.kind in CASED, notes, found.line)
        return {"kind": "text", "weight": weight, "accepted": answers}
    if found.kind in NUMBERS:
        halves = [answer.words.partition(":") for answer in found.answers]
        answers_apart = [
            replace(answer, words=key, tolerance=tolerance or "0")
            for answer, (key, _, tolerance) in zip(found.answers, halves, strict=True)
        ]
        key, tolerance = judged.numeric(answers_apart, notes, found.line)
        told = [
            judged.plain_number(judged.decimal_of(one, found.line, found.kind)) for one in (key, tolerance)
        ]
        return {"kind": "number", "weight": weight, "key": told[0], "tolerance": told[1]}
    if found.kind in CHOICES:
        texts = [replace(answer, text=_shown(answer.words)) for answer in found.answers]
        single = judged.single(texts, notes, found.line)
        for answer in found.answers:
            judged.feedback_lost(answer, notes)
        options = [
            {"id": option["id"], "text": {language: option["text"].read_in("zh-hans")}}
            for option in single["options"]
        ]
        return {"kind": "choice", "weight": weight, "options": options, "key": single["key"]}
    raise LeftOut("cloze_several" if found.kind in SEVERAL else "cloze_kind", found.line, kind=found.kind)


def _shown(words: str) -> Text | None:
    said = plain_to_markdown(re.sub(r"<[^>]{0,200}>", "", words))
    return Text(zh=said, en=said) if said.strip() else None


def write_gaps(words: str, gaps: Sequence[TextGap | NumberGap | ChoiceGap], language: str) -> str:
    """``words`` (HTML) with Moodle's embedded answers where ``[[id]]`` was."""
    for gap in gaps:
        words = words.replace(f"[[{gap.id}]]", _embedded(gap, language))
    return words


def _embedded(gap: TextGap | NumberGap | ChoiceGap, language: str) -> str:
    if isinstance(gap, NumberGap):
        tolerance = f":{gap.tolerance:f}" if gap.tolerance else ""
        return f"{{{gap.weight}:NUMERICAL:={_safe(gap.key)}{tolerance}}}"
    if isinstance(gap, ChoiceGap):
        told = "~".join(
            ("=" if option.id == gap.key else "") + _safe(option.text.read_in(language))
            for option in gap.options
        )
        return f"{{{gap.weight}:MULTICHOICE:{told}}}"
    exact = any(one.rule is TextRule.EXACT for one in gap.accepted)
    told = "~".join(
        ("=" if one.share == 1 else f"%{judged.plain_number(one.share * 100)}%")
        + _safe(
            judged.starred(one.text) or one.text
            if one.rule is TextRule.REGEX
            else one.text.replace("*", "\\*")
        )
        for one in gap.accepted
    )
    return f"{{{gap.weight}:{'SHORTANSWER_C' if exact else 'SHORTANSWER'}:{told}}}"


def _safe(words: str) -> str:
    words = re.sub(r"([}#~\"])", r"\\\1", " ".join(words.split()))
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain_loss(content: Cloze) -> bool:
    """Whether Moodle shows less than the question asks."""
    accepted = [one for gap in content.gaps if isinstance(gap, TextGap) for one in gap.accepted]
    rules = {one.rule for one in accepted}
    return len(rules) > 1 or any(
        one.rule is TextRule.REGEX and judged.starred(one.text) is None for one in accepted
    )
