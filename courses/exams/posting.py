"""An answer as a plain form sends it, without any script: read into the answer's JSON."""

from collections.abc import Mapping
from typing import Any, Protocol

from courses.exams.answers import AnswerRefused
from courses.exams.content import (
    Cloze,
    Code,
    Essay,
    Matching,
    Multiple,
    Numeric,
    Ordering,
    ShortText,
    Single,
    TrueFalse,
)
from courses.exams.shapes import Question


class Posted(Protocol):
    """What Django's QueryDict offers."""

    def get(self, key: str, default: str) -> Any: ...

    def getlist(self, key: str) -> list[Any]: ...


class PlacesMissing(AnswerRefused):
    """An order that is none: a place is missing or given twice."""


def read_posted(question: Question, data: Posted, name: str = "answer") -> dict[str, Any] | None:
    """The answer to ``question`` in the fields of ``name``, for ``answers.read_answer``; None when there is none.

    Raises PlacesMissing.
    """

    def said(part: str = "") -> str:
        return str(data.get(f"{name}-{part}" if part else name, ""))

    match question:
        case Single():
            return {"choice": said()} if said() else None
        case Multiple():
            chosen = [str(value) for value in data.getlist(name)]
            return {"choices": chosen} if chosen else None
        case TrueFalse():
            return {"value": said() == "true"} if said() in {"true", "false"} else None
        case Numeric():
            return {"value": said("value"), "unit": said("unit")} if said("value").strip() else None
        case ShortText() | Essay():
            return {"text": said()} if said().strip() else None
        case Code():
            return {"source": said()} if said().strip() else None
        case Matching():
            return _some("pairs", {part.id: said(part.id) for part in question.left})
        case Cloze():
            return _some("gaps", {gap.id: said(gap.id) for gap in question.gaps})
        case Ordering():
            return _ordered({item.id: said(item.id) for item in question.items})
    return None


def _some(field: str, values: Mapping[str, str]) -> dict[str, Any] | None:
    given = {key: value for key, value in values.items() if value.strip()}
    return {field: given} if given else None


def _ordered(places: Mapping[str, str]) -> dict[str, Any] | None:
    if not any(places.values()):
        return None
    wanted = [str(place) for place in range(1, len(places) + 1)]
    if sorted(places.values()) != sorted(wanted):
        raise PlacesMissing("every item needs a place of its own")
    return {"order": sorted(places, key=lambda item: int(places[item]))}
