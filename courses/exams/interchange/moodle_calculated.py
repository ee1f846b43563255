"""Moodle's calculated questions as numbers over parameters, where their formula is one that ours can say."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from courses.exams.content import Numeric, ToleranceRule
from courses.exams.interchange import judged
from courses.exams.interchange.judged import LeftOut, decimal_of, plain_number
from courses.exams.interchange.moodle_fields import Fields
from courses.exams.interchange.trees import Element, build
from courses.exams.parameters import SLOT, FormulaError, evaluate
from courses.exams.shapes import Parameter, Text

WILDCARD = re.compile(r"\{([A-Za-z][^{}<>\"':]{0,40})\}")
NAME = re.compile(r"^[a-z][a-z0-9_]{0,19}$")
FUNCTIONS = {"abs", "min", "max", "floor", "ceil", "round", "pow"}
RULES = {"1": ToleranceRule.RELATIVE, "2": ToleranceRule.ABSOLUTE}


def calculated(fields: Fields) -> dict[str, Any]:
    """A numeric question with parameters. Raises LeftOut for what cannot be computed exactly."""
    elements = fields.take("answer")
    answers = Fields(_holder(elements), fields.notes).answers("plain_text")
    parameters = [
        parameter for group in fields.take("dataset_definitions") for parameter in _parameters(group, fields)
    ]
    names = {wild: name for wild, name, _parameter in parameters}
    formula, tolerance = judged.numeric(answers, fields.notes, fields.line)
    right = next(
        one for one, answer in zip(elements, answers, strict=True) if answer.words.strip() == formula
    )
    rule = Fields(right, fields.notes).value("tolerancetype", "1") or "1"
    if rule not in RULES:
        fields.notes.changed("field_changed", right.line, field="tolerancetype", before=rule, after="1")
    stem = fields.text("questiontext")
    if stem is None:
        raise LeftOut("question_broken", fields.line, reason="questiontext")
    if "{=" in stem.zh + stem.en:
        raise LeftOut("formula_in_text", fields.line)
    return {
        "kind": "numeric",
        "stem": Text(zh=_slots(stem.zh, names), en=_slots(stem.en, names)),
        "key": _formula(formula, names, right.line, [parameter for _wild, _name, parameter in parameters]),
        "tolerance": plain_number(decimal_of(tolerance, right.line, "tolerance")),
        "tolerance_rule": RULES.get(rule, ToleranceRule.RELATIVE),
        "parameters": [parameter for _wild, _name, parameter in parameters],
    }


def _holder(elements: list[Element]) -> Element:
    return Element("", elements[0].line if elements else 0, "", {}, list(elements))


def _parameters(group: Element, fields: Fields) -> list[tuple[str, str, Parameter]]:
    """Each data set: its name there, its name here, and what is drawn for it."""
    found: list[tuple[str, str, Parameter]] = []
    for element in group.all("dataset_definition"):
        inner = Fields(element, fields.notes)
        wild = inner.value("name")
        name = re.sub(r"[^a-z0-9_]", "_", wild.lower())[:20]
        while not NAME.match(name) or name in {taken for _wild, taken, _parameter in found}:
            name = f"p{len(found) + 1}_{name}"[:20] if name else f"p{len(found) + 1}"
        if (distribution := inner.value("distribution", "uniform")) != "uniform":
            fields.notes.changed(
                "field_changed", element.line, field="distribution", before=distribution, after="uniform"
            )
        low = decimal_of(inner.value("minimum", "1"), element.line, "minimum")
        high = decimal_of(inner.value("maximum", "10"), element.line, "maximum")
        decimals = inner.value("decimals", "0") or "0"
        step = (
            Decimal(1).scaleb(-min(10, int(decimals)))
            if decimals.isascii() and decimals.isdigit()
            else Decimal(1)
        )
        fields.notes.info("dataset_drawn", element.line, name=wild, low=low, high=high, step=step)
        for ignored in ("status", "type", "itemcount", "dataset_items", "number_of_items"):
            inner.take(ignored)
        inner.leftovers()
        try:
            parameter = Parameter(name=name, low=low, high=high, step=step)
        except ValueError as error:
            raise LeftOut("question_broken", element.line, reason=error) from error
        found.append((wild, name, parameter))
    return found


def _slots(words: str, names: dict[str, str]) -> str:
    return WILDCARD.sub(lambda found: f"{{{{{names[found[1]]}}}}}" if found[1] in names else found[0], words)


def _formula(words: str, names: dict[str, str], line: int, parameters: list[Parameter]) -> str:
    """The formula in our words, tried once. Raises LeftOut."""
    told = WILDCARD.sub(lambda found: names.get(found[1], found[0]), words)
    told = told.replace("pi()", "3.14159265358979")
    strange = sorted(set(re.findall(r"([A-Za-z_]\w*)\s*\(", told)) - FUNCTIONS)
    if strange:
        raise LeftOut("formula_function", line, name=strange[0])
    told = _powers(told)
    if len(told) > 300:
        raise LeftOut("formula_broken", line, formula=words, reason="> 300")
    try:
        evaluate(told, {parameter.name: Fraction(parameter.high) for parameter in parameters})
    except FormulaError as error:
        raise LeftOut("formula_broken", line, formula=words, reason=error) from error
    return told


def _powers(words: str) -> str:
    """``words`` with each ``pow(a, b)`` as ``((a)**(b))``, from the inside out."""
    inner = re.compile(r"\bpow\s*\(([^(),]*),([^(),]*)\)")
    for _nested in range(20):
        words, count = inner.subn(r"((\1)**(\2))", words)
        if not count:
            break
    return words


def written_formula(content: Numeric) -> str | None:
    """The key as Moodle computes it; None for a formula it has no words for."""
    if re.search(r"//|%", content.key):
        return None
    names = {parameter.name for parameter in content.parameters}
    told = re.sub(r"([\w.()]+)\s*\*\*\s*([\w.]+|\([^()]*\))", r"pow(\1,\2)", content.key)
    if "**" in told:
        return None
    return re.sub(r"\b[a-z]\w*\b", lambda found: f"{{{found[0]}}}" if found[0] in names else found[0], told)


def written_slots(text: Text) -> Text:
    """The text with Moodle's wildcards."""
    return Text(zh=SLOT.sub(r"{\1}", text.zh), en=SLOT.sub(r"{\1}", text.en))


def datasets(content: Numeric, values: list[dict[str, Decimal]]) -> Element:
    """The parameters as data sets with ``values`` drawn beforehand, as Moodle wants them."""
    return build("dataset_definitions", *(_dataset(parameter, values) for parameter in content.parameters))


def _dataset(parameter: Parameter, values: list[dict[str, Decimal]]) -> Element:
    exponent = parameter.step.normalize().as_tuple().exponent
    decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    items = [
        build(
            "dataset_item", build("number", str(place)), build("value", plain_number(drawn[parameter.name]))
        )
        for place, drawn in enumerate(values, 1)
    ]
    return build(
        "dataset_definition",
        build("status", build("text", "private")),
        build("name", build("text", parameter.name)),
        build("type", "calculated"),
        build("distribution", build("text", "uniform")),
        build("minimum", build("text", plain_number(parameter.low))),
        build("maximum", build("text", plain_number(parameter.high))),
        build("decimals", build("text", str(decimals))),
        build("itemcount", str(len(items))),
        build("dataset_items", *items),
        build("number_of_items", str(len(items))),
    )
