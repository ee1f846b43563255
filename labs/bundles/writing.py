"""lab.toml in its plain form, for labs whose words were changed since they were imported."""

import json
from collections.abc import Iterator
from typing import Any

from labs.bundles.manifest import CheckText, Manifest, NodeText, Part, PreviewText, StepText


def manifest_text(manifest: Manifest) -> str:
    """A lab.toml that reads back as ``manifest``."""
    return "\n".join(_lines(manifest)) + "\n"


def _lines(manifest: Manifest) -> Iterator[str]:
    yield from _entries(manifest, "slug", "level", "minutes", "terminals")
    if manifest.hint_cost:
        yield from _entries(manifest, "hint_cost")
    for name in ("egress", "exam_egress"):
        if getattr(manifest, name):
            yield from _entries(manifest, name)
    yield from _table("[title]", manifest.title)
    yield from _table("[summary]", manifest.summary)
    for node in manifest.nodes:
        yield from ("", "[[nodes]]")
        yield from _node(node)
    for preview in manifest.previews:
        yield from _preview(preview)
    for step in manifest.steps:
        yield from _step(step)


def _node(node: NodeText) -> Iterator[str]:
    yield from _entries(node, "name", "image", "cpus", "memory_mib", "home_mib", "pids")
    yield from _entries(node, *(n for n in ("cpus_max", "memory_mib_max") if getattr(node, n) is not None))
    if node.disk_mib:
        yield from _entries(node, "disk_mib")
    if node.runtime:
        yield from _entries(node, "runtime")
    if node.root:
        yield from _entries(node, "root")
    if not node.read_only or node.read_only_reason:
        yield from _entries(node, "read_only", "read_only_reason")
    if node.links:
        yield from _entries(node, "links")


def _preview(preview: PreviewText) -> Iterator[str]:
    yield from ("", "[[previews]]")
    yield from _entries(preview, "node", "port")
    yield from _table("[previews.title]", preview.title)


def _step(step: StepText) -> Iterator[str]:
    yield from ("", "[[steps]]")
    yield from _entries(step, "id")
    yield from _table("[steps.title]", step.title)
    for check in step.checks:
        yield from _check(check)


def _check(check: CheckText) -> Iterator[str]:
    yield from ("", "[[steps.checks]]")
    yield from _entries(check, "id", "node", "points", "timeout_s", "clauses")
    if check.hint_cost is not None:
        yield from _entries(check, "hint_cost")
    if check.script is not None:
        yield from _entries(check, "script")
    yield from _table("[steps.checks.title]", check.title)
    for key, reason in check.reasons.items():
        yield from ("", f"[steps.checks.reasons.{key}]")
        for language in ("zh", "en"):
            yield f"reason.{language} = {_value(getattr(reason.reason, language))}"
        for language in ("zh", "en"):
            if hints := getattr(reason.hints, language):
                yield f"hints.{language} = {_value(hints)}"


def _table(header: str, words: Any) -> Iterator[str]:
    yield from ("", header)
    yield from _entries(words, "zh", "en")


def _entries(part: Part, *names: str) -> Iterator[str]:
    for name in names:
        yield f"{name} = {_value(getattr(part, name))}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    # TOML's basic strings, numbers and booleans are written as JSON writes them, but for the delete character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
