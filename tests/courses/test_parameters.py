"""Numbers drawn for a paper: the same for the same seed, within their bounds, and computed exactly."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.exams.content import read_content
from courses.exams.parameters import FormulaError, check_formulas, draw, evaluate, fill
from courses.exams.shapes import Parameter


def asked(**change):
    return read_content(
        {
            "kind": "numeric",
            "stem": {
                "en": "{{nodes}} nodes of {{gib}} GiB each?",
                "zh": "{{nodes}} 个节点，每个 {{ gib }} GiB？",
            },
            "key": "nodes * gib",
            "parameters": [
                {"name": "nodes", "low": "2", "high": "9"},
                {"name": "gib", "low": "0.5", "high": "4", "step": "0.5"},
            ],
            **change,
        }
    )


@given(st.text(max_size=20))
def test_the_same_seed_gives_the_same_question_whose_key_is_right_for_its_words(seed: str):
    question = asked()
    drawn = draw(question.parameters, seed)
    filled = fill(question, seed)
    assert filled == fill(question, seed)
    assert filled.parameters == ()
    assert filled.stem.en == f"{drawn['nodes']:f} nodes of {drawn['gib'].normalize():f} GiB each?"
    assert evaluate(filled.key) == Fraction(drawn["nodes"]) * Fraction(drawn["gib"])


@given(st.integers(-50, 50), st.integers(0, 50), st.integers(1, 7), st.text(max_size=9))
def test_what_is_drawn_lies_on_a_step_within_the_bounds(low: int, span: int, step: int, seed: str):
    parameter = Parameter(name="n", low=Decimal(low), high=Decimal(low + span), step=Decimal(step))
    value = draw((parameter,), seed)["n"]
    assert low <= value <= low + span
    assert (value - low) % step == 0


def test_many_seeds_reach_every_value():
    drawn = {draw(asked().parameters, str(seed))["nodes"] for seed in range(200)}
    assert drawn == set(map(Decimal, range(2, 10)))


def test_a_draw_is_the_same_in_every_version_of_the_product():
    assert draw(asked().parameters, "paper 1") == {"nodes": Decimal(5), "gib": Decimal("4.0")}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("1 + 2 * 3", Fraction(7)),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("-(2 ** 3) / 5", Fraction(-8, 5)),
        ("7 // 2 + 7 % 2", Fraction(4)),
        ("max(1, n) - min(1, n) + abs(-1)", Fraction(5)),
        ("round(2.345, 2)", Fraction(235, 100)),
        ("round(-2.5)", Fraction(-3)),
        ("floor(-1.5) + ceil(1.2)", Fraction(0)),
        ("2 ** -2", Fraction(1, 4)),
    ],
)
def test_a_formula_has_its_exact_value(formula: str, value: Fraction):
    assert evaluate(formula, {"n": Fraction(5)}) == value


@pytest.mark.parametrize(
    "formula",
    [
        "",
        "1 +",
        "m",
        "1 / 0",
        "0 ** -1",
        "2 ** 0.5",
        "9 ** 9 ** 9",
        "2 ** 256 ** 1 * 2 ** 256 * " + " * ".join(["2 ** 256"] * 20),
        "__import__('os')",
        "(1).real",
        "[1][0]",
        "'a' * 3",
        "True + 1",
        "lambda: 1",
        "round(1, 99)",
        "min()",
        "abs(1, 2)",
        "+".join(["1"] * 300),
        "(" * 300 + "1" + ")" * 300,
    ],
)
def test_what_is_no_formula_or_grows_too_large_is_refused(formula: str):
    with pytest.raises(FormulaError):
        evaluate(formula, {"n": Fraction(5)})


@pytest.mark.parametrize(
    "change",
    [
        {"key": "nodes / (gib - 4)"},
        {"key": "nodes / (nodes - 2)"},
        {"key": "other * 2"},
        {"stem": {"en": "{{nodes}} of {{what}}?"}},
    ],
)
def test_a_question_whose_numbers_can_fail_is_found_before_anybody_sits_it(change: dict):
    with pytest.raises(FormulaError):
        check_formulas(asked(**change))


def test_a_question_whose_numbers_always_work_passes():
    check_formulas(asked())
    check_formulas(read_content({"kind": "true_false", "stem": {"en": "So?"}, "key": True}))


@pytest.mark.parametrize(
    "change", [{"low": "3", "high": "2"}, {"step": "0"}, {"high": "9e9"}, {"name": "A b"}]
)
def test_a_parameter_that_spans_nothing_or_too_much_is_refused(change: dict):
    with pytest.raises(ValueError, match=r"lowest|greater than|million|pattern"):
        Parameter.model_validate({"name": "n", "low": "2", "high": "9", **change})
