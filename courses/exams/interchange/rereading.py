"""What a plain format could not hold of a question: found by reading back what was written of it."""

from collections.abc import Callable, Iterable

from courses.exams.interchange.base import Item, Notes, Reading, Refused
from courses.exams.interchange.renumbering import differences, renumbered

FIELDS = ("title", "identifier", "tags", "marks", "difficulty", "objectives", "clauses")


def reread(words: str, read: Callable[[bytes, str], Reading]) -> Item | None:
    """The one item that ``words`` are read as; None when they are read as none or several."""
    try:
        items = read(words.encode(), "").items
    except Refused:
        return None
    return items[0] if len(items) == 1 else None


def note_losses(item: Item, again: Item, notes: Notes, title: str, form: str, fields: Iterable[str]) -> None:
    """Notes in which ``fields``, and in what of its content, ``again`` is another item than ``item``."""
    lost = differences(renumbered(item.content), renumbered(again.content))
    lost += [name for name in fields if getattr(item, name) != getattr(again, name)]
    if renumbered(item.content) != item.content:
        notes.info("ids_renumbered", 0, title=title)
    if lost:
        notes.lost("fields_not_written", 0, title=title, format=form, fields=", ".join(lost))
