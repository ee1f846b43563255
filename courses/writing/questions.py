"""The form of a question: what every kind has, and JSON for the kinds of many parts."""

import json
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from pydantic import ValidationError as Misshapen

from courses.exams.bank import Unsound, Written
from courses.exams.content import read_content
from courses.models import Difficulty, QuestionVersion

LONG = {"rows": 4}
SOURCE = {"rows": 20, "class": "question-source", "spellcheck": "false"}
# What pydantic finds wrong, in words for people; anything else is told in its own.
PROBLEMS = {
    "missing": _("is missing"),
    "extra_forbidden": _("is not known here"),
    "string_too_long": _("is too long"),
    "string_too_short": _("is empty"),
    "too_short": _("has too few entries"),
    "too_long": _("has too many entries"),
    "string_pattern_mismatch": _("has signs that are not allowed in it"),
    "literal_error": _("is none of the values it may have"),
    "enum": _("is none of the values it may have"),
    "union_tag_invalid": _("is no kind of question"),
    "union_tag_not_found": _("does not say its kind"),
}
RUBRIC = [
    {
        "id": "reasons",
        "text": {"zh": "", "en": "Gives reasons"},
        "levels": [
            {"points": 0, "text": {"zh": "", "en": "None"}},
            {"points": 2, "text": {"zh": "", "en": "Sound ones"}},
        ],
    }
]
PARTS = [{"id": name, "text": {"zh": "", "en": name.upper()}} for name in ("a", "b")]
# Where somebody begins who writes a question as JSON.
EXAMPLES: dict[str, dict[str, Any]] = {
    "matching": {"left": PARTS, "right": PARTS, "key": {"a": "a", "b": "b"}},
    "ordering": {"items": PARTS, "rule": "places"},
    "cloze": {"gaps": [{"id": "g1", "kind": "text", "accepted": [{"text": "fork"}]}]},
    "file_upload": {"rubric": RUBRIC, "extensions": ["pdf"], "most_files": 1},
    "code": {"language": "python", "tests": [{"id": "t1", "stdin": "", "stdout": "", "hidden": False}]},
    "lab_task": {"lab": "", "checks": []},
}


class QuestionForm(forms.Form):
    """A question of one kind with all its version says; ``written`` is what was made of it when it is valid."""

    written: Written

    def __init__(self, data: Any = None, *, kind: str, version: QuestionVersion | None = None) -> None:
        self.kind = kind
        self.before: dict[str, Any] = dict(version.content) if version else {}
        super().__init__(data, initial=details_of(version) if version else {"marks": 1, "difficulty": 2})
        if version is None:
            hint = _("Small letters, digits and hyphens; it stays with the question for ever.")
            self.add(
                "code",
                forms.CharField(label=pgettext_lazy("question", "Code"), max_length=60, help_text=hint),
            )
        self.add_content()
        self.add_details()

    def add(self, name: str, field: forms.Field, initial: Any = None) -> None:
        if initial is not None:
            field.initial = initial
        self.fields[name] = field

    def add_content(self) -> None:
        example = {"kind": self.kind, "stem": {"zh": "", "en": ""}, **EXAMPLES.get(self.kind, {})}
        field = forms.CharField(
            label=_("Question as JSON"),
            widget=forms.Textarea(attrs=SOURCE),
            help_text=_("Texts have zh and en; parts have an id of their own."),
        )
        self.add("content", field, json.dumps(self.before or example, ensure_ascii=False, indent=2))

    def add_details(self) -> None:
        marks = forms.DecimalField(label=_("Marks"), min_value=Decimal("0.01"), max_value=1000)
        self.add("marks", marks)
        difficulty = forms.TypedChoiceField(label=_("Difficulty"), choices=Difficulty.choices, coerce=int)
        self.add("difficulty", difficulty)
        self.add(
            "tags", forms.CharField(label=_("Tags"), required=False, help_text=_("Separated by spaces."))
        )
        for name, label, hint in (
            ("objectives", _("Learning objectives"), _("One a line.")),
            ("clauses", _("Clause references"), _("One a line, e.g. yl-t-001:2026:scope.")),
        ):
            area = forms.Textarea(attrs=LONG)
            self.add(name, forms.CharField(label=label, required=False, help_text=hint, widget=area))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            content = read_content(self.raw(cleaned))
        except Misshapen as error:
            for problem in error.errors():
                self.complain(problem)
            return cleaned
        except ValueError as error:
            self.add_error(None, str(error))
            return cleaned
        try:
            self.written = Written(
                content=content,
                marks=cleaned["marks"],
                difficulty=cleaned["difficulty"],
                tags=tuple(cleaned["tags"].split()),
                objectives=tuple(line.strip() for line in cleaned["objectives"].splitlines() if line.strip()),
                clauses=tuple(cleaned["clauses"].split()),
            )
        except Unsound as error:
            self.add_error(error.where if error.where in self.fields else None, str(error))
        return cleaned

    def complain(self, problem: Any) -> None:
        """What is wrong, at the field where it is, with the way to it inside the question."""
        way = [str(step) for step in problem["loc"][1:]]
        said: Any = PROBLEMS.get(problem["type"])
        if problem["type"] == "value_error":
            said = str(problem["ctx"]["error"])
        fields = ("content", *way[:1], *(f"{step}_zh" for step in way[:1]))
        where = next((name for name in fields if name in self.fields), None)
        told = said or problem["msg"]
        self.add_error(where, f"{'.'.join(way)}: {told}" if way else str(told))

    def raw(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """The question as JSON values. Raises ValueError."""
        raw = self.parsed("content", cleaned["content"])
        if not isinstance(raw, dict) or raw.get("kind") != self.kind:
            raise ValueError(f"kind: {self.kind}")
        return raw

    def parsed(self, field: str, told: str) -> Any:
        try:
            return json.loads(told)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{self.fields[field].label}: {error}") from error


class WordsForm(QuestionForm):
    """A question written field by field; what the fields do not show of it stays as it was."""

    def add_content(self) -> None:
        stem = self.before.get("stem")
        self.add_text("stem", _("Question (Chinese)"), _("Question (English)"), stem)
        self.add_own()
        explained = self.before.get("explanation")
        self.add_text("explanation", _("Explanation (Chinese)"), _("Explanation (English)"), explained)

    def add_own(self) -> None:
        """The fields of this kind alone."""

    def raw_own(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """What the fields of this kind say."""
        return {}

    def add_text(self, name: str, label_zh: Any, label_en: Any, value: dict[str, str] | None) -> None:
        for language, lang, label in (("zh", "zh-Hans", label_zh), ("en", "en", label_en)):
            area = forms.Textarea(attrs={**LONG, "lang": lang})
            field = forms.CharField(label=label, required=False, strip=False, max_length=20_000, widget=area)
            self.add(f"{name}_{language}", field, (value or {}).get(language, ""))

    def raw(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        raw = {**self.before, "kind": self.kind, "stem": text_of(cleaned, "stem") or {}}
        raw.pop("explanation", None)
        if explanation := text_of(cleaned, "explanation"):
            raw["explanation"] = explanation
        return raw | self.raw_own(cleaned)


def details_of(version: QuestionVersion) -> dict[str, Any]:
    """What the fields beside the question's own words begin with."""
    return {
        "marks": version.marks,
        "difficulty": version.difficulty,
        "tags": " ".join(version.tag_list),
        "objectives": "\n".join(version.objective_list),
        "clauses": "\n".join(version.clause_list),
    }


def text_of(cleaned: dict[str, Any], name: str) -> dict[str, str] | None:
    """The bilingual text in the fields of ``name``; None when both are empty."""
    said = {language: cleaned.get(f"{name}_{language}", "") for language in ("zh", "en")}
    said = {language: words.replace("\r\n", "\n") for language, words in said.items()}
    return said if any(words.strip() for words in said.values()) else None
