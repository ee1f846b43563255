"""What another system cannot hold travels beside what it shows, sealed: it counts only while that is unchanged."""

import hashlib
import json
from decimal import Decimal
from typing import Any

from courses.exams.content import read_content, write_content
from courses.exams.interchange.base import Item, Notes
from courses.exams.interchange.trees import Element, Words, allowed_in_xml, build

NAME = "yunlian"
VERSION = "1"


def told(item: Item) -> dict[str, Any]:
    """Everything about ``item`` but its place and its files, as JSON values."""
    return {
        "content": write_content(item.content),
        "identifier": item.identifier,
        "title": item.title,
        "marks": str(item.marks),
        "tags": list(item.tags),
        "difficulty": item.difficulty,
        "objectives": list(item.objectives),
        "clauses": list(item.clauses),
    }


def item_of(values: Any, **more: Any) -> Item:
    """The item that ``told`` told. Raises ValueError."""
    try:
        return Item(
            content=read_content(values["content"]),
            identifier=str(values["identifier"]),
            title=str(values["title"]),
            marks=Decimal(values["marks"]),
            difficulty=int(values["difficulty"]),
            tags=tuple(map(str, values["tags"])),
            objectives=tuple(map(str, values["objectives"])),
            clauses=tuple(map(str, values["clauses"])),
            **more,
        )
    except (KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"no item: {error}") from error


def seal(item: Item, shown: Element) -> Element:
    """The element that goes into ``shown`` and keeps ``item`` whole for whoever reads it back."""
    words = json.dumps(told(item), ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return build(NAME, words, version=VERSION, seal=_sum_of(shown))


def unseal(shown: Element, notes: Notes, **more: Any) -> Item | None:
    """The item sealed in ``shown``; None, with a note, when what is shown was changed since, and None without a seal."""
    found = shown.first(NAME)
    if found is None:
        return None
    if found.attributes.get("version") != VERSION or found.attributes.get("seal") != _sum_of(shown):
        notes.changed("seal_broken", found.line)
        return None
    try:
        return item_of(json.loads(found.own_text), **more)
    except (ValueError, RecursionError):
        notes.changed("seal_broken", found.line)
        return None


def _sum_of(shown: Element) -> str:
    return hashlib.sha256(json.dumps(_plain(shown)).encode()).hexdigest()


def _plain(element: Element) -> list[Any]:
    children: list[Any] = []
    for child in element.children:
        if isinstance(child, Words):
            if not element.elements or child.text.strip():
                children.append(allowed_in_xml(child.text))
        elif child.name != NAME:
            children.append(_plain(child))
    attributes = sorted((name, allowed_in_xml(value)) for name, value in element.attributes.items())
    return [element.name, attributes, children]
