"""Questions with numbers that differ from paper to paper: drawn from a seed, the same each time, and exact."""

import ast
import hashlib
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from courses.exams.content import read_content, write_content
from courses.exams.shapes import Parameter, Question

MOST_NODES = 200
MOST_BITS = 4_000
MOST_EXPONENT = 256
SLOT = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: operator.mod,
}
_FUNCTIONS: dict[str, Callable[..., Fraction]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "floor": lambda value: Fraction(value // 1),
    "ceil": lambda value: Fraction(-(-value // 1)),
    "round": lambda value, digits=Fraction(0): _half_up(value, int(digits)),
}


class FormulaError(ValueError):
    """The formula is no sum over numbers, the question's parameters and a few functions, or has no value."""


def evaluate(formula: str, values: Mapping[str, Fraction] | None = None) -> Fraction:
    """The exact value of ``formula``: + - * / // % **, abs, min, max, floor, ceil, round(x, digits), names of ``values``.

    Raises FormulaError, also for what would take too long or grow too large.
    """
    try:
        tree = ast.parse(formula.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"{formula!r} is no formula") from error
    if sum(1 for _node in ast.walk(tree)) > MOST_NODES:
        raise FormulaError("the formula is too long")
    try:
        return _value(tree.body, values or {})
    except ZeroDivisionError as error:
        raise FormulaError(f"{formula!r} divides by zero") from error
    except (TypeError, OverflowError) as error:
        raise FormulaError(f"{formula!r} has no value: {error}") from error


def _value(node: ast.expr, values: Mapping[str, Fraction]) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            # repr of a float is the shortest decimal that was meant: 0.1 is a tenth.
            result = Fraction(Decimal(repr(number)))
        case ast.Name(id=name):
            if name not in values:
                raise FormulaError(f"{name} is no parameter of the question")
            result = values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            result = -_value(operand, values)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            result = _value(operand, values)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            result = _power(_value(left, values), _value(right, values))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            result = _OPERATORS[type(op)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            result = Fraction(_FUNCTIONS[name](*(_value(argument, values) for argument in args)))
        case _:
            raise FormulaError("only numbers, parameters, + - * / // % ** and a few functions may be used")
    if max(result.numerator.bit_length(), result.denominator.bit_length()) > MOST_BITS:
        raise FormulaError("the formula's value is too large")
    return result


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > MOST_EXPONENT:
        raise FormulaError(f"an exponent is a whole number of at most {MOST_EXPONENT}")
    return Fraction(base ** int(exponent))


def _half_up(value: Fraction, digits: int) -> Fraction:
    if abs(digits) > 30:
        raise FormulaError("round takes at most 30 digits")
    scale = Fraction(10) ** digits
    rounded = (abs(value) * scale + Fraction(1, 2)) // 1
    return Fraction(rounded if value >= 0 else -rounded) / scale


def draw(parameters: tuple[Parameter, ...], seed: str) -> dict[str, Decimal]:
    """A value for each parameter, the same for the same ``seed`` on every machine and in every version."""
    return {parameter.name: _drawn(parameter, seed) for parameter in parameters}


def _drawn(parameter: Parameter, seed: str) -> Decimal:
    count = int((parameter.high - parameter.low) / parameter.step) + 1
    told = hashlib.sha256(f"{seed}\0{parameter.name}".encode()).digest()
    return parameter.low + parameter.step * (int.from_bytes(told) % count)


def fill(question: Question, seed: str) -> Question:
    """``question`` with its parameters drawn: ``{{name}}`` in texts is the number, formulas are their values.

    A question without parameters is answered as it is. Raises FormulaError.
    """
    if not question.parameters:
        return question
    values = draw(question.parameters, seed)
    exact = {name: Fraction(value) for name, value in values.items()}

    def walk(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: walk(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [walk(inner) for inner in value]
        if name in {"zh", "en"}:
            return SLOT.sub(lambda found: _told(found, values), value)
        return value

    filled = walk(write_content(question))
    for holder in (filled, *filled.get("gaps", ())):
        if holder.get("kind") in {"numeric", "number"}:
            holder["key"] = str(evaluate(holder["key"], exact))
    return read_content({**filled, "parameters": []})


def _told(found: "re.Match[str]", values: Mapping[str, Decimal]) -> str:
    value = values.get(found[1])
    return found[0] if value is None else f"{value.normalize():f}"


def check_formulas(question: Question) -> None:
    """Every formula and every ``{{name}}`` has a value for whatever is drawn first, last and in between.

    Raises FormulaError. Extremes are tried together, so that a formula that only fails in a corner is found.
    """
    names = {parameter.name for parameter in question.parameters}
    unknown = sorted(set(SLOT.findall(str(write_content(question)))) - names)
    if unknown:
        raise FormulaError(f"the text names {unknown[0]}, which is no parameter")
    corners = ("low", "high")
    tried = [{p.name: Fraction(getattr(p, corner)) for p in question.parameters} for corner in corners]
    tried += [
        {name: Fraction(value) for name, value in draw(question.parameters, str(seed)).items()}
        for seed in range(20 if question.parameters else 0)
    ]
    for formula in formulas(question):
        for values in tried:
            evaluate(formula, values)


def formulas(question: Question) -> list[str]:
    """The formulas of a question: a numeric key, the keys of number gaps."""
    raw = write_content(question)
    holders = (raw, *raw.get("gaps", ()))
    return [holder["key"] for holder in holders if holder.get("kind") in {"numeric", "number"}]
