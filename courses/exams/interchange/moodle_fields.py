"""A question of Moodle XML, field by field: whatever nobody asked for is noted at its line in the end."""

import base64
import binascii
import re
from collections.abc import Iterator

from courses.exams.interchange.base import MOST_MEDIA_BYTES, Media, Notes, one_line
from courses.exams.interchange.judged import Judged, decimal_of
from courses.exams.interchange.spoken import read_text
from courses.exams.interchange.trees import Element
from courses.exams.shapes import Text

# Fields that Moodle writes into every question, and the values of them that say nothing.
SILENT: dict[str, set[str]] = {
    "penalty": {"", "0", "0.1", "0.3333333", "1"},
    "hidden": {"", "0"},
    "answernumbering": {"", "abc", "none"},
    "showstandardinstruction": {"", "0", "1"},
    "shownumcorrect": {"", "1"},
    "showunits": {"", "0", "3"},
    "unitsleft": {"", "0"},
    "responsefieldlines": {"", "0", "10", "15"},
    "responserequired": {"", "0", "1"},
    "synchronize": {"", "0"},
    "single": {"", "0", "1", "true", "false"},
    "shuffleanswers": {"", "0", "1", "true", "false"},
    "layouttype": {"", "0", "VERTICAL"},
    "showgrading": {"", "0", "1", "SHOW", "HIDE"},
    "numberingstyle": {"", "none"},
    "selectcount": {"", "0", "2"},
    "correctanswerformat": {"", "1"},
    "correctanswerlength": {"", "0", "1", "2"},
    "unitpenalty": {"", "0", "0.1"},
}


def number_like(words: str) -> str:
    """Numbers without zeros that say nothing, other words without spaces around them."""
    words = words.strip()
    return words.rstrip("0").rstrip(".") if re.fullmatch(r"-?\d+\.\d+", words) else words


class Fields:
    """The children of an element, each asked for by name; ``leftovers`` notes what was not."""

    def __init__(self, element: Element, notes: Notes) -> None:
        self.element, self.notes = element, notes
        self.line = element.line
        self._asked: set[int] = set()

    def take(self, name: str) -> list[Element]:
        found = self.element.all(name)
        self._asked |= {id(one) for one in found}
        return found

    def value(self, name: str, default: str = "") -> str:
        """The words of the field, whether they are in a <text> or not."""
        found = self.take(name)
        if not found:
            return default
        inner = found[0].first("text")
        return (inner.text if inner is not None else found[0].text).strip()

    def line_of(self, name: str) -> int:
        found = self.element.first(name)
        return found.line if found is not None else self.line

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.value(name)
        return value.lower() in {"1", "true", "yes"} if value else default

    def text(self, name: str, form: str = "html") -> Text | None:
        found = self.take(name)
        return text_of(found[0], self.notes, form) if found else None

    def answers(self, form: str = "html") -> list[Judged]:
        return [answer_of(element, self.notes, form) for element in self.take("answer")]

    def leftovers(self) -> None:
        """Every field that nobody asked for and that says something is noted as lost."""
        for child in self.element.elements:
            if id(child) in self._asked:
                continue
            value = one_line(child.text)
            if (value or child.elements) and number_like(value) not in SILENT.get(child.name, {""}):
                self.notes.lost("field_lost", child.line, field=child.name, value=value)


def text_of(element: Element, notes: Notes, form: str = "html") -> Text | None:
    """What a <text> in ``element`` says, in the format that the element or one above names."""
    inner = element.first("text")
    if inner is None:
        inner = element
    form = element.attributes.get("format", form) or form
    if form not in {"html", "moodle_auto_format", "plain_text", "markdown"}:
        notes.changed("field_lost", element.line, field="format", value=form)
        form = "html"
    return read_text(inner.text, form, notes, inner.text_line)


def answer_of(element: Element, notes: Notes, form: str) -> Judged:
    """An <answer>; its words stay as they stand, and are read as a text too. Raises LeftOut."""
    fields = Fields(element, notes)
    inner = element.first("text")
    words = (inner if inner is not None else element).own_text.strip()
    fields.take("text")
    fields.take("file")
    feedback = fields.text("feedback", form)
    tolerance = fields.value("tolerance", "0")
    for name in ("tolerancetype", "correctanswerformat", "correctanswerlength"):
        fields.take(name)
    fields.leftovers()
    percent = decimal_of(element.attributes.get("fraction", "0") or "0", element.line, "fraction")
    plain = form == "plain_text"
    text = read_text(words, form, notes, element.line) if plain else text_of(element, notes, form)
    return Judged(words, percent, element.line, text, feedback, tolerance)


def media_of(question: Element, notes: Notes) -> Iterator[Media]:
    """The files in any text of the question, each name once."""
    seen: dict[str, bytes] = {}
    for element in question.walk():
        if element.name != "file" or "name" not in element.attributes:
            continue
        name = (element.attributes.get("path", "/") + element.attributes["name"]).lstrip("/")
        if name != one_line(name) or not name or ".." in name.split("/") or "\\" in name or len(name) > 200:
            notes.lost("media_broken", element.line, name=name)
            continue
        content = _bytes_of(element, name, notes)
        if content is None or seen.get(name) == content:
            continue
        if name in seen:
            notes.lost("media_twice", element.line, name=name)
            continue
        seen[name] = content
        yield Media(name, content)


def _bytes_of(element: Element, name: str, notes: Notes) -> bytes | None:
    if element.attributes.get("encoding", "base64") != "base64":
        notes.lost("media_broken", element.line, name=name)
        return None
    packed = "".join(element.own_text.split())
    if len(packed) // 4 * 3 > MOST_MEDIA_BYTES:
        notes.refuse("media_too_large", element.line, name=name, most=MOST_MEDIA_BYTES)
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        notes.lost("media_broken", element.line, name=name)
        return None
