"""Moodle XML: read field by field with a note for each that has no place here, written so that it reads back whole."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from urllib.parse import unquote

from courses.exams.content import read_content, write_content
from courses.exams.interchange.base import (
    LONGEST_LABEL,
    MOST_ITEMS,
    Item,
    Notes,
    Reading,
    Refused,
    Written,
    one_line,
)
from courses.exams.interchange.judged import LeftOut, decimal_of, plain_number
from courses.exams.interchange.moodle_fields import Fields, media_of
from courses.exams.interchange.moodle_kinds import KINDS
from courses.exams.interchange.moodle_shown import shown
from courses.exams.interchange.renumbering import differences, renumbered
from courses.exams.interchange.sealed import NAME, seal, unseal
from courses.exams.interchange.trees import Element, build, read_xml, write_xml
from courses.exams.shapes import Question

LABEL = "moodle_xml"
COMMON = ("name", "questiontext", "generalfeedback", "defaultgrade", "idnumber", "tags", "file", NAME)


def recognises(data: bytes, filename: str) -> bool:
    start = data[:4096]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start.decode("utf-16", "replace").encode()
    return b"<quiz" in start


def read(data: bytes, filename: str) -> Reading:
    """The questions of the file. Raises Refused."""
    notes = Notes(filename)
    root = read_xml(data, notes)
    if root.name != "quiz":
        notes.refuse("format_unknown", root.line)
    items: list[Item] = []
    category: tuple[str, ...] = ()
    for question in root.elements:
        kind = question.attributes.get("type", "")
        if question.name != "question":
            notes.lost("markup_element_lost", question.line, name=question.name)
        elif kind == "category":
            category = _category(question, notes)
        elif (item := read_question(question, category, notes)) is not None:
            items.append(item)
            if len(items) > MOST_ITEMS:
                notes.refuse("too_many_items", question.line, most=MOST_ITEMS)
    return Reading(tuple(items), notes.all)


def read_question(question: Element, category: tuple[str, ...], notes: Notes) -> Item | None:
    """The item in a <question>; None, with a note, for what cannot be one."""
    kind = question.attributes.get("type", "")
    media = tuple(media_of(question, notes))
    whole = unseal(question, notes, category=category, media=media, file=notes.file, line=question.line)
    if whole is not None:
        return whole
    if kind == "description":
        notes.lost(
            "description_lost", question.line, text=one_line(Fields(question, notes).value("questiontext"))
        )
        return None
    if kind not in KINDS:
        notes.lost("question_kind", question.line, kind=kind)
        return None
    try:
        item = replace(_item(Fields(question, notes), kind, notes), category=category, media=media)
    except LeftOut as left_out:
        notes.lost(left_out.code, left_out.line, **left_out.arguments)
    except Refused:
        raise
    except ValueError as error:
        notes.lost("question_broken", question.line, reason=why(error))
    else:
        for name in named_media(item.content) - {one.name for one in media}:
            notes.lost("media_missing", question.line, name=name)
        return item
    return None


def named_media(content: Question) -> set[str]:
    """The names of the files that the texts show."""
    return {unquote(name) for name in re.findall(r"\(media:([^)\s]+)\)", str(write_content(content)))}


def why(error: ValueError) -> str:
    """The first thing that is wrong, in a line."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    first = errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _item(fields: Fields, kind: str, notes: Notes) -> Item:
    found = KINDS[kind](fields)
    stem = found.get("stem") or fields.text("questiontext")
    if stem is None:
        raise LeftOut("question_broken", fields.line, reason="questiontext")
    explanation = fields.text("generalfeedback")
    content = read_content({"explanation": explanation, **found, "stem": stem})
    tags = [
        Fields(tag, notes).value("text") or one_line(tag.text)
        for group in fields.take("tags")
        for tag in group.all("tag")
    ]
    item = Item(
        content=content,
        identifier=_label(fields, "idnumber"),
        title=_label(fields, "name"),
        marks=_marks(fields),
        tags=tuple(dict.fromkeys(filter(None, (one_line(tag)[:LONGEST_LABEL] for tag in tags)))),
        file=notes.file,
        line=fields.line,
    )
    for name in COMMON:
        fields.take(name)
    fields.leftovers()
    return item


def _label(fields: Fields, name: str) -> str:
    value = one_line(fields.value(name))
    if len(value) > LONGEST_LABEL:
        fields.notes.changed("label_cut", fields.line_of(name), field=name, most=LONGEST_LABEL)
        value = value[:LONGEST_LABEL].strip()
    return value


def _marks(fields: Fields) -> Decimal:
    given = decimal_of(
        fields.value("defaultgrade", "1") or "1", fields.line_of("defaultgrade"), "defaultgrade"
    )
    marks = min(max(round(given, 2), Decimal("0.01")), Decimal(1000))
    if marks != given:
        after = Decimal(1) if given <= 0 else marks
        line = fields.line_of("defaultgrade")
        fields.notes.changed("field_changed", line, field="defaultgrade", before=given, after=after)
        return after
    return Decimal(plain_number(marks))


def _category(question: Element, notes: Notes) -> tuple[str, ...]:
    fields = Fields(question, notes)
    path = fields.value("category")
    fields.take("info")
    fields.take("idnumber")
    for name in ("info", "idnumber"):
        if value := fields.value(name):
            notes.lost("field_lost", fields.line_of(name), field=f"category {name}", value=one_line(value))
    return category_of(path)


def category_of(path: str) -> tuple[str, ...]:
    """The names in a path of Moodle; two slashes stand for one that belongs to a name."""
    parts = [
        one_line(part.replace("\0", "/"))[:LONGEST_LABEL] for part in path.replace("//", "\0").split("/")
    ]
    if parts and re.match(r"^\$\w+\$$", parts[0]):
        parts = parts[2:] if parts[1:2] == ["top"] else parts[1:]
    return tuple(filter(None, parts))


def path_of(category: Sequence[str]) -> str:
    names = [(" " if name.startswith("/") else "") + name.replace("/", "//") for name in category]
    return "/".join(["$course$", "top", *names])


def write(items: Sequence[Item]) -> Written:
    """Every item as Moodle can show it, and sealed within, whole."""
    notes = Notes("questions.xml")
    root = build("quiz", *_questions(items, notes))
    return Written(write_xml(root), "xml", "application/xml", notes.all)


def _questions(items: Sequence[Item], notes: Notes) -> Iterator[Element]:
    category: tuple[str, ...] = ()
    for place, item in enumerate(items, 1):
        if item.category != category:
            category = item.category
            yield build("question", build("category", build("text", path_of(category))), type="category")
        question = shown(item)
        missing = _missing(item, question)
        if missing:
            notes.info("moodle_sealed", 0, title=item.title or f"#{place}", fields=", ".join(missing))
        question.children.append(seal(item, question))
        yield question


def _missing(item: Item, question: Element) -> list[str]:
    """The fields that Moodle does not show as they are, found by reading what it is shown."""
    try:
        again = read_question(question, item.category, Notes(""))
    except Refused:
        again = None
    if again is None:
        return ["content"]
    fields = differences(renumbered(item.content), renumbered(again.content))
    other = ("difficulty", "objectives", "clauses", "tags", "marks", "identifier")
    return fields + [name for name in other if getattr(item, name) != getattr(again, name)]
