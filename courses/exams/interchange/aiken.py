"""Aiken: a question, its lettered options and ``ANSWER: B``; for one right option of several, in plain words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from courses.exams.content import Single, read_content
from courses.exams.interchange.base import MOST_ITEMS, Item, Notes, Reading, Written
from courses.exams.interchange.judged import letter
from courses.exams.interchange.moodle_xml import why
from courses.exams.interchange.plain_files import looks_like_text, read_words
from courses.exams.interchange.rereading import FIELDS, note_losses, reread
from courses.exams.interchange.spoken import read_text, shown, write_shown

LABEL = "aiken"
OPTION = re.compile(r"^([A-Z])[.)][ \t]+(\S.*)$")
ANSWER = re.compile(r"^ANSWER:[ \t]*(.*)$", re.IGNORECASE)


def recognises(data: bytes, filename: str) -> bool:
    if not looks_like_text(data) or filename.lower().endswith(".gift"):
        return False
    words = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
    return bool(
        re.search(r"(?mi)^[ \t]{0,40}ANSWER:", words) and re.search(r"(?m)^[ \t]{0,40}[A-Z][.)][ \t]", words)
    )


@dataclass
class Draft:
    line: int
    stem: list[str] = field(default_factory=list)
    options: list[tuple[int, str]] = field(default_factory=list)


def read(data: bytes, filename: str) -> Reading:
    """The questions of the file. Raises Refused where it is not as it has to be."""
    notes = Notes(filename)
    items: list[Item] = []
    draft: Draft | None = None
    number = 0
    for number, raw in enumerate(read_words(data, notes).split("\n"), 1):
        line = raw.strip()
        if not line:
            continue
        draft = draft or Draft(number)
        if found := ANSWER.match(line):
            item = _item(draft, found[1].strip(), number, notes)
            if item is not None:
                items.append(item)
            if len(items) > MOST_ITEMS:
                notes.refuse("too_many_items", number, most=MOST_ITEMS)
            draft = None
        elif (found := OPTION.match(line)) and draft.stem:
            if found[1] != chr(ord("A") + len(draft.options)):
                notes.refuse("aiken_letter", number, letter=found[1])
            draft.options.append((number, found[2].strip()))
        elif draft.options:
            notes.refuse("aiken_answer", number, words=line)
        else:
            draft.stem.append(line)
    if draft is not None:
        notes.refuse("aiken_answer", number, words="")
    return Reading(tuple(items), notes.all)


def _item(draft: Draft, answer: str, number: int, notes: Notes) -> Item | None:
    letters = [chr(ord("A") + place) for place in range(len(draft.options))]
    if not draft.stem or len(letters) < 2:
        notes.refuse("aiken_options", number)
    if answer not in letters:
        notes.refuse("aiken_key", number, answer=answer)
    options = [
        {"id": letter(place), "text": read_text(words, "plain_text", notes, line)}
        for place, (line, words) in enumerate(draft.options)
    ]
    stem = read_text("\n".join(draft.stem), "plain_text", notes, draft.line)
    try:
        key = letter(letters.index(answer))
        content = read_content({"kind": "single", "stem": stem, "options": options, "key": key})
    except ValueError as error:
        notes.lost("question_broken", draft.line, reason=why(error))
        return None
    return Item(content, file=notes.file, line=draft.line)


def write(items: Sequence[Item]) -> Written:
    """The questions of one right option; everything else is noted."""
    notes = Notes("questions.txt")
    blocks = []
    for place, item in enumerate(items, 1):
        title = item.title or shown(item.content.stem) or f"#{place}"
        words = _question(item.content) if isinstance(item.content, Single) else None
        again = reread(words, read) if words is not None else None
        if words is None or again is None:
            notes.lost("question_not_written", 0, title=title, format="Aiken", kind=item.content.kind)
            continue
        blocks.append(words)
        note_losses(item, again, notes, title, "Aiken", (*FIELDS, "category", "media"))
    return Written(("\n\n".join(blocks) + "\n").encode(), "txt", "text/plain", notes.all)


def _question(content: Single) -> str | None:
    if len(content.options) > 26:
        return None
    lines = [write_shown(content.stem)]
    lines += [
        f"{chr(ord('A') + place)}. {write_shown(option.text)}" for place, option in enumerate(content.options)
    ]
    key = next(place for place, option in enumerate(content.options) if option.id == content.key)
    return "\n".join([*lines, f"ANSWER: {chr(ord('A') + key)}"])
