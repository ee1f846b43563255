"""A form for each kind of question that is written field by field."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from courses.exams.content import MultipleRule, TextRule, ToleranceRule, UnitRule
from courses.models import QuestionVersion
from courses.writing.questions import LONG, RUBRIC, SOURCE, QuestionForm, WordsForm, text_of

LEAST_ROWS, SPARE_ROWS, MOST_ROWS = 4, 2, 20
# The id of a row that says nothing; what it is refused for says so.
NO_OPTION = "no-such-option"
CHOICE_RULES = [
    (MultipleRule.ALL_OR_NOTHING, _("All or nothing")),
    (MultipleRule.RIGHT_MINUS_WRONG, _("The share of right ones, less that of wrong ones")),
    (MultipleRule.EACH_OPTION, _("Every option that is judged rightly counts")),
]
TEXT_RULES = [
    (TextRule.NORMALISED, _("But for case, width and spaces")),
    (TextRule.EXACT, _("Letter by letter")),
    (TextRule.REGEX, _("Regular expression")),
]
TOLERANCE_RULES = [
    (ToleranceRule.ABSOLUTE, _("By so much")),
    (ToleranceRule.RELATIVE, _("By such a share of the number")),
]
UNIT_RULES = [
    (UnitRule.NONE, _("No unit")),
    (UnitRule.OPTIONAL, _("A unit may be given")),
    (UnitRule.REQUIRED, _("A unit must be given")),
]


class OptionsForm(WordsForm):
    """What single and multiple choice share: options in rows."""

    def add_options(self) -> int:
        options = self.before.get("options", [])
        rows = min(MOST_ROWS, max(LEAST_ROWS, len(options) + SPARE_ROWS))
        for row in range(1, rows + 1):
            text = options[row - 1]["text"] if row <= len(options) else {}
            for language, label in (
                ("zh", _("Option %(row)d (Chinese)")),
                ("en", _("Option %(row)d (English)")),
            ):
                area = forms.Textarea(attrs={"rows": 2})
                field = forms.CharField(
                    label=label % {"row": row}, required=False, strip=False, max_length=20_000, widget=area
                )
                self.add(f"option{row}_{language}", field, text.get(language, ""))
        return rows

    def rows_of(self, ids: Any) -> list[int]:
        """The rows of the options with these ids, as they stand now."""
        return [n for n, option in enumerate(self.before.get("options", []), 1) if option["id"] in ids]

    def add_shuffle(self) -> None:
        field = forms.BooleanField(label=_("Options stand in another order on every paper"), required=False)
        self.add("shuffle", field, self.before.get("shuffle", True))

    def options(self, cleaned: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[int, str]]:
        """The options that say something, and the id of each row's; ids and feedback of old ones stay."""
        old = self.before.get("options", [])
        free = iter(sorted(set("abcdefghijklmnopqrstuvwxyz") - {option["id"] for option in old}))
        options, ids = [], {}
        for row in range(1, MOST_ROWS + 1):
            text = text_of(cleaned, f"option{row}")
            if text is None:
                continue
            option = dict(old[row - 1]) if row <= len(old) else {"id": next(free)}
            options.append({**option, "text": text})
            ids[row] = option["id"]
        return options, ids


class SingleForm(OptionsForm):
    """One right answer of several."""

    def add_own(self) -> None:
        rows = self.add_options()
        field = forms.TypedChoiceField(
            label=_("Right answer"),
            coerce=int,
            choices=[(n, _("Option %(row)d") % {"row": n}) for n in range(1, rows + 1)],
        )
        self.add("right", field, next(iter(self.rows_of([self.before.get("key")])), None))
        self.add_shuffle()

    def raw_own(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        options, ids = self.options(cleaned)
        return {
            "options": options,
            "key": ids.get(cleaned["right"], NO_OPTION),
            "shuffle": cleaned["shuffle"],
        }


class MultipleForm(OptionsForm):
    """Several right answers."""

    def add_own(self) -> None:
        rows = self.add_options()
        field = forms.TypedMultipleChoiceField(
            label=_("Right answers"),
            coerce=int,
            choices=[(n, _("Option %(row)d") % {"row": n}) for n in range(1, rows + 1)],
            widget=forms.CheckboxSelectMultiple,
        )
        self.add("right", field, self.rows_of(self.before.get("key", ())))
        rule = forms.ChoiceField(label=_("What a partly right choice is worth"), choices=CHOICE_RULES)
        self.add("rule", rule, self.before.get("rule"))
        self.add_shuffle()

    def raw_own(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        options, ids = self.options(cleaned)
        key = [ids.get(row, NO_OPTION) for row in cleaned["right"]]
        return {"options": options, "key": key, "rule": cleaned["rule"], "shuffle": cleaned["shuffle"]}


class TrueFalseForm(WordsForm):
    """A statement."""

    def add_own(self) -> None:
        field = forms.ChoiceField(
            label=_("The statement is"),
            choices=[
                ("true", pgettext_lazy("statement", "True")),
                ("false", pgettext_lazy("statement", "False")),
            ],
        )
        self.add("key", field, "true" if self.before.get("key") else "false")

    def raw_own(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        return {"key": cleaned["key"] == "true"}


class NumericForm(WordsForm):
    """A number, perhaps with units and parameters."""

    def add_own(self) -> None:
        hint = _("A number, or a formula over the parameters, e.g. 3.5 or nodes * 2.")
        self.add(
            "key",
            forms.CharField(label=_("Right number"), max_length=300, help_text=hint),
            self.before.get("key"),
        )
        tolerance = forms.DecimalField(label=_("Tolerance"), min_value=0)
        self.add("tolerance", tolerance, self.before.get("tolerance", "0"))
        self.add(
            "tolerance_rule",
            forms.ChoiceField(label=_("How the tolerance is meant"), choices=TOLERANCE_RULES),
            self.before.get("tolerance_rule"),
        )
        self.add(
            "unit_rule", forms.ChoiceField(label=_("Units"), choices=UNIT_RULES), self.before.get("unit_rule")
        )
        units = "\n".join(
            f"{unit['name']} {unit.get('factor', '1')}" for unit in self.before.get("units", [])
        )
        unit_hint = _("One a line: the unit and how many of it make one of the number's own, e.g. MiB 1024.")
        self.add(
            "units",
            forms.CharField(
                label=_("Known units"), required=False, help_text=unit_hint, widget=forms.Textarea(attrs=LONG)
            ),
            units,
        )
        drawn = "\n".join(
            f"{p['name']} {p['low']} {p['high']} {p['step']}" for p in self.before.get("parameters", [])
        )
        hint = _("One a line: name, lowest, highest, step. The text names them as {{name}}.")
        self.add(
            "parameters",
            forms.CharField(
                label=_("Parameters"), required=False, help_text=hint, widget=forms.Textarea(attrs=LONG)
            ),
            drawn,
        )

    def raw_own(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        units = [line.split() for line in cleaned["units"].splitlines() if line.strip()]
        drawn = [line.split() for line in cleaned["parameters"].splitlines() if line.strip()]
        return {
            "key": cleaned["key"],
            "tolerance": str(cleaned["tolerance"]),
            "tolerance_rule": cleaned["tolerance_rule"],
            "unit_rule": cleaned["unit_rule"],
            "units": [dict(zip(("name", "factor"), words, strict=False)) for words in units],
            "parameters": [
                dict(zip(("name", "low", "high", "step"), words, strict=False)) for words in drawn
            ],
        }


class ShortTextForm(WordsForm):
    """A word or a line."""

    def add_own(self) -> None:
        accepted = self.before.get("accepted", [])
        for row in range(1, min(MOST_ROWS, max(LEAST_ROWS, len(accepted) + SPARE_ROWS)) + 1):
            said = accepted[row - 1] if row <= len(accepted) else {}
            named = {"row": row}
            self.add(
                f"text{row}",
                forms.CharField(
                    label=_("Accepted text %(row)d") % named, required=False, max_length=500, strip=False
                ),
                said.get("text"),
            )
            self.add(
                f"rule{row}",
                forms.ChoiceField(
                    label=_("How text %(row)d is compared") % named, choices=TEXT_RULES, required=False
                ),
                said.get("rule"),
            )
            self.add(
                f"share{row}",
                forms.DecimalField(
                    label=_("Share of the marks for text %(row)d") % named,
                    required=False,
                    min_value=0,
                    max_value=1,
                ),
                said.get("share", "1"),
            )

    def raw_own(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        accepted = [
            {
                "text": cleaned[f"text{row}"],
                "rule": cleaned[f"rule{row}"] or TextRule.NORMALISED.value,
                "share": str(1 if cleaned[f"share{row}"] is None else cleaned[f"share{row}"]),
            }
            for row in range(1, MOST_ROWS + 1)
            if cleaned.get(f"text{row}", "").strip()
        ]
        return {"accepted": accepted}


class EssayForm(WordsForm):
    """A longer text with its rubric."""

    def add_own(self) -> None:
        self.add(
            "least_words",
            forms.IntegerField(label=_("Fewest words"), min_value=0),
            self.before.get("least_words", 0),
        )
        self.add(
            "most_words",
            forms.IntegerField(label=_("Most words"), min_value=1),
            self.before.get("most_words", 2000),
        )
        rubric = json.dumps(self.before.get("rubric", RUBRIC), ensure_ascii=False, indent=2)
        self.add(
            "rubric",
            forms.CharField(
                label=_("Rubric as JSON"),
                widget=forms.Textarea(attrs=SOURCE),
            ),
            rubric,
        )

    def raw_own(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        return {
            "least_words": cleaned["least_words"],
            "most_words": cleaned["most_words"],
            "rubric": self.parsed("rubric", cleaned["rubric"]),
        }


FORMS: dict[str, type[WordsForm]] = {
    "single": SingleForm,
    "multiple": MultipleForm,
    "true_false": TrueFalseForm,
    "numeric": NumericForm,
    "short_text": ShortTextForm,
    "essay": EssayForm,
}


def question_form(data: Any = None, *, kind: str, version: QuestionVersion | None = None) -> QuestionForm:
    """The form for a question of ``kind``; kinds of many parts are written as JSON."""
    return FORMS.get(kind, QuestionForm)(data, kind=kind, version=version)
