"""Ids as readers give them: formats without ids of their own bring back the same question, under these."""

import json
import re
from typing import Any

from courses.exams.content import read_content, write_content
from courses.exams.interchange.judged import letter
from courses.exams.shapes import Question


def renumbered(question: Question) -> Question:
    """``question`` with its options called a, b, ..., its pairs l1 and r1, its gaps g1, in the order they stand in."""
    raw = write_content(question)
    match raw["kind"]:
        case "single":
            names = _rename(raw["options"])
            raw["key"] = names[raw["key"]]
        case "multiple":
            names = _rename(raw["options"])
            raw["key"] = sorted((names[one] for one in raw["key"]), key=list(names.values()).index)
        case "ordering":
            _rename(raw["items"])
        case "matching":
            left, right = _rename(raw["left"], "l"), _rename(raw["right"], "r")
            raw["key"] = {left[one]: right[other] for one, other in raw["key"].items()}
        case "cloze":
            _rename_gaps(raw)
    return read_content(raw)


def _rename(parts: list[dict[str, Any]], before: str = "") -> dict[str, str]:
    names = {
        part["id"]: f"{before}{place + 1}" if before else letter(place) for place, part in enumerate(parts)
    }
    for part in parts:
        part["id"] = names[part["id"]]
    return names


def _rename_gaps(raw: dict[str, Any]) -> None:
    words = (raw["stem"].get("zh", "").strip() and raw["stem"]["zh"]) or raw["stem"]["en"]
    raw["gaps"].sort(key=lambda gap: words.index(f"[[{gap['id']}]]"))
    names = _rename(raw["gaps"], "g")
    pattern = re.compile(r"\[\[([a-z0-9_-]+)\]\]")
    for language, said in raw["stem"].items():
        raw["stem"][language] = pattern.sub(lambda found: f"[[{names.get(found[1], found[1])}]]", said)
    for gap in raw["gaps"]:
        if gap["kind"] == "choice":
            gap["key"] = _rename(gap["options"])[gap["key"]]


def differences(one: Question, other: Question) -> list[str]:
    """The names of the fields in which two questions differ."""
    first, second = write_content(one), write_content(other)
    return sorted(
        name
        for name in {*first, *second}
        if json.dumps(first.get(name), sort_keys=True) != json.dumps(second.get(name), sort_keys=True)
    )
