"""GIFT: questions as text, ``Who?{=right ~wrong}``; what its few signs cannot say is noted when it is written."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from courses.exams.content import read_content
from courses.exams.interchange import judged
from courses.exams.interchange.base import (
    LONGEST_LABEL,
    MOST_ITEMS,
    MOST_MARKUP,
    Item,
    Notes,
    Reading,
    Refused,
    Written,
    one_line,
)
from courses.exams.interchange.gift_written import escaped_label, question_of
from courses.exams.interchange.judged import HUNDRED, Judged, LeftOut, plain_number
from courses.exams.interchange.moodle_xml import category_of, path_of, why
from courses.exams.interchange.plain_files import looks_like_text, read_words
from courses.exams.interchange.rereading import FIELDS, note_losses, reread
from courses.exams.interchange.spoken import read_text, shown
from courses.exams.shapes import MOST_PARTS, Text

LABEL = "gift"
FORMATS = {"html": "html", "markdown": "markdown", "plain": "plain_text", "moodle": "moodle_auto_format"}
# An escaped sign is moved here, out of the way of those that mean something.
ASIDE = 0xF0000
ESCAPED = re.compile(r"\\([\\:#={}~n])")
PERCENT = re.compile(r"\s*%(-?\d{1,3}(?:\.\d{1,10})?)%")
BLANK = r"\_\_\_\_\_"


def recognises(data: bytes, filename: str) -> bool:
    if data.lstrip().startswith(b"<"):
        return False
    return filename.lower().endswith((".gift", ".txt")) or (
        looks_like_text(data) and b"{" in data and b"}" in data
    )


@dataclass
class Block:
    """A question's lines, comments blanked; ``line`` is the first."""

    line: int
    words: str
    identifier: str = ""
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Piece:
    """Words of a block that know their line."""

    words: str
    line: int

    def cut(self, begin: int, end: int | None = None) -> "Piece":
        return Piece(self.words[begin:end], self.line + self.words.count("\n", 0, begin))

    def strip(self) -> "Piece":
        begin = len(self.words) - len(self.words.lstrip())
        return Piece(self.words.strip(), self.line + self.words.count("\n", 0, begin))


def read(data: bytes, filename: str) -> Reading:
    """The questions of the file. Raises Refused for braces that do not match."""
    notes = Notes(filename)
    words = read_words(data, notes)
    items: list[Item] = []
    category: tuple[str, ...] = ()
    for block in _blocks(words):
        if len(block.words) > MOST_MARKUP:
            notes.refuse("markup_too_long", block.line, most=MOST_MARKUP)
        text = Piece(ESCAPED.sub(lambda found: chr(ASIDE + ord(found[1])), block.words), block.line).strip()
        if found := re.match(r"\$CATEGORY:([^\n]*)\n?", text.words):
            category = category_of(_plain(found[1]).strip())
            text = text.cut(found.end()).strip()
        if not text.words:
            continue
        item = _item(text, block, notes)
        if item is not None:
            items.append(replace(item, category=category))
        if len(items) > MOST_ITEMS:
            notes.refuse("too_many_items", block.line, most=MOST_ITEMS)
    return Reading(tuple(items), notes.all)


def _blocks(words: str) -> Iterator[Block]:
    """What stands between empty lines."""
    lines: list[str] = []
    first, labels = 1, ""
    for number, line in enumerate([*words.split("\n"), ""], 1):
        comment = line.strip().startswith("//")
        if comment:
            labels += line + "\n"
        if line.strip():
            if not lines:
                first = number
            lines.append("" if comment else line)
        elif lines:
            if any(lines):
                yield _block(first, lines, labels)
                labels = ""
            lines = []


def _block(first: int, lines: list[str], labels: str) -> Block:
    tags = [_label(found[1]) for found in re.finditer(r"\[tag:((?:\\\]|[^\]\n])*)\]", labels)]
    name = re.search(r"\[id:((?:\\\]|[^\]\n])*)\]", labels)
    unique = list(dict.fromkeys(tag for tag in tags if tag))
    return Block(first, "\n".join(lines), _label(name[1]) if name else "", unique)


def _label(words: str) -> str:
    return one_line(words.replace("\\]", "]"))[:LONGEST_LABEL]


def _plain(words: str) -> str:
    """``words`` with escaped signs as themselves."""
    return "".join(
        ("\n" if sign == chr(ASIDE + ord("n")) else chr(ord(sign) - ASIDE))
        if ASIDE <= ord(sign) < ASIDE + 128
        else sign
        for sign in words
    )


def _item(text: Piece, block: Block, notes: Notes) -> Item | None:
    title = ""
    if text.words.startswith("::") and (end := text.words.find("::", 2)) > 0:
        title = one_line(_plain(text.words[2:end]))
        if len(title) > LONGEST_LABEL:
            notes.changed("label_cut", text.line, field="name", most=LONGEST_LABEL)
            title = title[:LONGEST_LABEL].strip()
        text = text.cut(end + 2).strip()
    try:
        content = _content(text, notes)
        if content is None:
            return None
        return Item(
            read_content(content),
            block.identifier,
            title,
            tags=tuple(block.tags),
            file=notes.file,
            line=text.line,
        )
    except LeftOut as left_out:
        notes.lost(left_out.code, left_out.line, **left_out.arguments)
    except Refused:
        raise
    except ValueError as error:
        notes.lost("question_broken", text.line, reason=why(error))
    return None


def _content(text: Piece, notes: Notes) -> dict[str, Any] | None:
    begin, end = text.words.find("{"), text.words.find("}")
    if begin < 0 and end < 0:
        notes.lost("description_lost", text.line, text=one_line(_plain(text.words)))
        return None
    for place, sign in ((begin, "{"), (end, "}")):
        if place < 0 or end < begin:
            notes.refuse("gift_brace", text.line, sign=sign)
    rest = text.cut(end + 1)
    if re.search(r"[{}]", rest.words) or "{" in text.words[begin + 1 : end]:
        notes.refuse("gift_brace", rest.line, sign="{")
    form, before = _form(text.cut(0, begin), "moodle_auto_format")
    told = before.words
    if rest.words.strip():
        gap = text.words[:begin][len(text.words[:begin].rstrip()) :]
        told += gap + (BLANK if form == "markdown" else "_____") + rest.words
    stem = read_text(_plain(told).strip(" "), form, notes, before.line)
    if stem is None:
        raise LeftOut("question_broken", text.line, reason="the question has no words")
    answers = text.cut(begin + 1, end)
    explanation = None
    if (general := answers.words.rfind("####")) >= 0:
        explanation = _text(answers.cut(general + 4), form, notes)
        answers = answers.cut(0, general)
    return {"stem": stem, "explanation": explanation, **_answers(answers.strip(), form, notes)}


def _form(piece: Piece, form: str) -> tuple[str, Piece]:
    piece = piece.strip()
    found = re.match(r"\[(\w+)\]", piece.words)
    if found and found[1] in FORMATS:
        return FORMATS[found[1]], piece.cut(found.end())
    return form, piece


def _text(piece: Piece, form: str, notes: Notes) -> Text | None:
    form, piece = _form(piece, form)
    return read_text(_plain(piece.words).strip(" \t"), form, notes, piece.line)


def _answers(piece: Piece, form: str, notes: Notes) -> dict[str, Any]:
    """The part between the braces. Raises LeftOut."""
    words = piece.words
    if not words:
        notes.changed("rubric_added", piece.line)
        return {"kind": "essay", "rubric": judged.plain_rubric(None)}
    if words.startswith("#"):
        return _numeric(piece.cut(1), form, notes)
    if words.startswith(">"):
        raise LeftOut("question_kind", piece.line, kind="ordering")
    if "~" in words:
        answers = [_judged(one, form, notes) for one in _split(piece, "~=")]
        if "=" in words:
            return judged.single(answers, notes, piece.line)
        return judged.multiple(answers, notes, piece.line)
    if "=" in words and "->" in words:
        return _pairs(piece, form, notes)
    truth, *comments = words.split("#")
    if truth.strip().upper() in {"T", "TRUE", "F", "FALSE"}:
        for comment in filter(str.strip, comments):
            notes.lost("answer_feedback", piece.line, answer=truth.strip(), feedback=_plain(comment))
        return {"kind": "true_false", "key": truth.strip().upper() in {"T", "TRUE"}}
    if not words.startswith("="):
        notes.refuse("gift_answer", piece.line, answer=_plain(words))
    answers = [_judged(one, "plain_text", notes) for one in _split(piece, "=")]
    return {"kind": "short_text", "accepted": judged.accepted(answers, False, notes, piece.line)}


def _split(piece: Piece, signs: str) -> list[Piece]:
    """The answers, each with the sign that begins it."""
    places = [found.start() for found in re.finditer(f"[{signs}]", piece.words)]
    if places and piece.words[: places[0]].strip():
        raise LeftOut("gift_stray", piece.line, words=_plain(piece.words[: places[0]]))
    # "~=" begins one answer, not two.
    starts = [place for place in places if place == 0 or piece.words[place - 1] != "~"]
    if len(starts) > MOST_PARTS:
        raise LeftOut("option_count", piece.line, count=len(starts), most=MOST_PARTS)
    return [piece.cut(start, end) for start, end in zip(starts, [*starts[1:], None], strict=True)]


def _judged(piece: Piece, form: str, notes: Notes) -> Judged:
    sign = re.match(r"~?=?", piece.words)
    begin = sign.end() if sign else 0
    percent = HUNDRED if "=" in piece.words[:begin] else Decimal(0)
    if found := PERCENT.match(piece.words, begin):
        percent, begin = Decimal(found[1]), found.end()
    body = piece.cut(begin)
    answer, mark, _feedback = body.words.partition("#")
    feedback = _text(body.cut(len(answer) + 1), form, notes) if mark else None
    said = body.cut(0, len(answer)).strip()
    text = _text(said, form, notes)
    return Judged(_plain(said.words).strip(), percent, said.line, text, feedback)


def _numeric(piece: Piece, form: str, notes: Notes) -> dict[str, Any]:
    whole = piece.strip()
    if whole.words.startswith(("=", "~")):
        answers = [_judged(one, form, notes) for one in _split(whole, "=~")]
    else:
        answers = [replace(_judged(whole, form, notes), percent=HUNDRED)]
    key, tolerance = judged.numeric([_measured(answer) for answer in answers], notes, piece.line)
    return {"kind": "numeric", "key": key, "tolerance": tolerance}


def _measured(answer: Judged) -> Judged:
    """``1822:2`` and ``1820..1824`` as a number and how far from it one may be."""
    low, dots, high = answer.words.partition("..")
    if dots:
        ends = [judged.decimal_of(end, answer.line, "#") for end in (low, high)]
        middle, apart = (ends[0] + ends[1]) / 2, abs(ends[1] - ends[0]) / 2
        return replace(answer, words=plain_number(middle), tolerance=plain_number(apart))
    number, _, tolerance = answer.words.partition(":")
    told = [plain_number(judged.decimal_of(one, answer.line, "#")) for one in (number, tolerance or "0")]
    return replace(answer, words=told[0], tolerance=told[1])


def _pairs(piece: Piece, form: str, notes: Notes) -> dict[str, Any]:
    left: list[dict[str, Any]] = []
    right: list[dict[str, Any]] = []
    key: dict[str, str] = {}
    for pair in _split(piece, "="):
        before, arrow, after = pair.words[1:].rpartition("->")
        said, answer = (
            _text(pair.cut(1, 1 + len(before)), form, notes),
            read_text(_plain(after).strip(), form, notes, pair.line),
        )
        if not arrow or answer is None:
            raise LeftOut("gift_answer", pair.line, answer=_plain(pair.words))
        same = next((part["id"] for part in right if part["text"] == answer), f"r{len(right) + 1}")
        if same == f"r{len(right) + 1}":
            right.append({"id": same, "text": answer})
        if said is not None:
            left.append({"id": f"l{len(left) + 1}", "text": said})
            key[left[-1]["id"]] = same
    return {"kind": "matching", "left": left, "right": right, "key": key}


def write(items: Sequence[Item]) -> Written:
    """What GIFT can say of the items; the rest is noted."""
    notes = Notes("questions.gift")
    blocks: list[str] = []
    category: tuple[str, ...] = ()
    for place, item in enumerate(items, 1):
        title = item.title or shown(item.content.stem) or f"#{place}"
        words = question_of(item)
        again = reread(words, read) if words is not None else None
        if words is None or again is None or again.content.kind != item.content.kind:
            notes.lost("question_not_written", 0, title=title, format="GIFT", kind=item.content.kind)
            continue
        if item.category != category:
            category = item.category
            blocks.append(f"$CATEGORY: {escaped_label(path_of(category))}")
        blocks.append(words)
        note_losses(item, again, notes, title, "GIFT", (*FIELDS, "media"))
    return Written(("\n\n".join(blocks) + "\n").encode(), "gift", "text/plain", notes.all)
