"""One question of each kind, and the answer that is right, wrong and half right to it."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

HALF = Fraction(1, 2)


def text(words: str) -> dict[str, str]:
    return {"zh": f"{words}（中文）", "en": words}


def parts(*ids: str) -> list[dict[str, Any]]:
    return [{"id": name, "text": text(name)} for name in ids]


RUBRIC = [
    {
        "id": name,
        "text": text(name),
        "levels": [{"points": points, "text": text(f"{name} {points}")} for points in (0, 1, 3)],
    }
    for name in ("clear", "correct")
]
STEM = {"stem": text("What holds?")}


@dataclass(frozen=True)
class Sample:
    """A question as JSON; ``partly`` is an answer and its share, where a part can be right."""

    content: dict[str, Any]
    right: dict[str, Any] | None = None
    wrong: dict[str, Any] | None = None
    partly: tuple[dict[str, Any], Fraction] | None = None


SAMPLES: dict[str, Sample] = {
    "single": Sample(
        {"kind": "single", **STEM, "options": parts("a", "b", "c"), "key": "b"},
        {"choice": "b"},
        {"choice": "a"},
    ),
    "multiple": Sample(
        {
            "kind": "multiple",
            **STEM,
            "options": parts("a", "b", "c", "d"),
            "key": ["a", "b"],
            "rule": "right_minus_wrong",
        },
        {"choices": ["b", "a"]},
        {"choices": ["c", "d"]},
        ({"choices": ["a"]}, HALF),
    ),
    "true_false": Sample({"kind": "true_false", **STEM, "key": False}, {"value": False}, {"value": True}),
    "numeric": Sample(
        {
            "kind": "numeric",
            **STEM,
            "key": "3.5",
            "tolerance": "0.1",
            "units": [{"name": "GiB"}, {"name": "MiB", "factor": "1024"}],
            "unit_rule": "required",
        },
        {"value": "3,584", "unit": "MiB"},
        {"value": "3.7", "unit": "GiB"},
    ),
    "short_text": Sample(
        {
            "kind": "short_text",
            **STEM,
            "accepted": [
                {"text": "chmod 644", "rule": "normalised"},
                {"text": "chmod u=rw,go=r", "rule": "exact"},
                {"text": "chmod [0-7]44", "rule": "regex", "share": "0.5"},
            ],
        },
        {"text": "  chmod   644"},
        {"text": "chmod 645"},
        ({"text": "chmod 744"}, HALF),
    ),
    "matching": Sample(
        {
            "kind": "matching",
            **STEM,
            "left": parts("l1", "l2"),
            "right": parts("r1", "r2", "r3"),
            "key": {"l1": "r1", "l2": "r2"},
        },
        {"pairs": {"l1": "r1", "l2": "r2"}},
        {"pairs": {"l1": "r2", "l2": "r3"}},
        ({"pairs": {"l1": "r1"}}, HALF),
    ),
    "ordering": Sample(
        {"kind": "ordering", **STEM, "items": parts("a", "b", "c", "d"), "rule": "places"},
        {"order": ["a", "b", "c", "d"]},
        {"order": ["d", "c", "b", "a"]},
        ({"order": ["a", "b", "d", "c"]}, HALF),
    ),
    "cloze": Sample(
        {
            "kind": "cloze",
            "stem": {"zh": "[[g1]] 与 [[g2]]", "en": "[[g1]] and [[g2]]"},
            "gaps": [
                {"id": "g1", "kind": "text", "accepted": [{"text": "fork"}]},
                {"id": "g2", "kind": "choice", "options": parts("x", "y"), "key": "y"},
            ],
        },
        {"gaps": {"g1": "Fork", "g2": "y"}},
        {"gaps": {"g1": "spoon", "g2": "x"}},
        ({"gaps": {"g2": "y"}}, HALF),
    ),
    "essay": Sample({"kind": "essay", **STEM, "rubric": RUBRIC}, {"text": "words"}),
    "file_upload": Sample(
        {"kind": "file_upload", **STEM, "rubric": RUBRIC, "extensions": ["pdf"]},
        {
            "files": [
                {
                    "id": "00000000-0000-4000-8000-000000000000",
                    "name": "work.PDF",
                    "bytes": 10,
                    "sha256": "0" * 64,
                }
            ]
        },
    ),
    "code": Sample(
        {
            "kind": "code",
            **STEM,
            "language": "python",
            "tests": [{"id": "t1", "stdin": "1", "stdout": "2"}, {"id": "t2", "weight": 3}],
        },
        {"source": "print(int(input()) + 1)"},
    ),
    "lab_task": Sample(
        {
            "kind": "lab_task",
            **STEM,
            "lab": "linux-processes",
            "checks": [{"name": "1/find"}, {"name": "2/kill", "weight": 3}],
        },
        {"session": 7},
    ),
}
SCORED_AT_ONCE = sorted(kind for kind, sample in SAMPLES.items() if sample.wrong)
