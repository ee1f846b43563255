"""What differs between two versions of a question, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """``field`` said ``before`` and says ``after``; empty where it was not there."""

    field: str
    before: str
    after: str


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[Difference]:
    """Every field whose value differs, in the order they are written in; parts with ids are known by them."""
    old, new = dict(_flat(before)), dict(_flat(after))
    return [
        Difference(field, old.get(field, ""), new.get(field, ""))
        for field in dict.fromkeys([*old, *new])
        if old.get(field, "") != new.get(field, "")
    ]


def _flat(value: object, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [pair for name, inner in value.items() for pair in _flat(inner, _below(path, str(name)))]
    if isinstance(value, list | tuple):
        if not any(isinstance(inner, Mapping) for inner in value):
            return [(path, ", ".join(map(str, value)))]
        named = [
            (str(inner.get("id", number)) if isinstance(inner, Mapping) else str(number), inner)
            for number, inner in enumerate(value, start=1)
        ]
        order = [(_below(path, "order"), ", ".join(name for name, _inner in named))]
        parts = [(name, _without_id(inner)) for name, inner in named]
        return order + [pair for name, inner in parts for pair in _flat(inner, _below(path, name))]
    return [(path, "" if value is None else str(value))]


def _without_id(part: object) -> object:
    return (
        {name: value for name, value in part.items() if name != "id"} if isinstance(part, Mapping) else part
    )


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
