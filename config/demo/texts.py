"""The demo world's words: Markdown and TOML files beside this module, read into what pages are made of."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from markdown_it import MarkdownIt

FOLDER = Path(__file__).resolve().parent
# Every block of the demo world gets its id from its place, so that both languages share it.
NAMESPACE = UUID("5b0c4b52-7a0e-4f0e-9d57-6f2f0a6d1a11")
SUFFIXES = {"zh-hans": "zh", "en": "en"}
FENCE = re.compile(r"^```(?P<language>[a-z]+)(?: (?P<caption>.+))?$")
DIRECTIVE = re.compile(r"^:::(?P<name>[a-z]+)(?: (?P<argument>.+))?$")
CALLOUTS = {"note", "tip", "warning", "example"}
MARKDOWN = MarkdownIt("commonmark", {"html": False})

Block = dict[str, Any]


class BadText(ValueError):
    """A file of the demo world is not written as it should be; the message names file and line."""


@dataclass(frozen=True)
class Text:
    """One page in one language: ``blocks`` is StreamField data; labs stand in it by slug."""

    title: str
    summary: str
    blocks: tuple[Block, ...]


def table(name: str) -> dict[str, Any]:
    """The TOML file ``name`` of this folder."""
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


def spoken(entry: dict[str, str], language: str) -> str:
    """The ``zh`` or ``en`` of a TOML entry."""
    return entry[SUFFIXES[language]].strip()


def block_id(*place: object) -> str:
    """The id of the block at ``place``, the same in every language and at every load."""
    return str(uuid5(NAMESPACE, "/".join(str(part) for part in place)))


def read(stem: str, language: str) -> Text:
    """The text ``<stem>.<zh or en>.md``. Raises BadText."""
    path = FOLDER / f"{stem}.{SUFFIXES[language]}.md"
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) < 3 or not lines[0].startswith("# ") or not lines[1].startswith("> "):
        raise BadText(f"{path.name}:1: begin with '# title', then '> one sentence'")
    blocks = [
        {"type": kind, "value": value, "id": block_id(stem, number)}
        for number, (kind, value) in enumerate(parts(path.name, lines[2:]))
    ]
    return Text(title=lines[0][2:].strip(), summary=lines[1][2:].strip(), blocks=tuple(blocks))


def parts(name: str, lines: list[str]) -> list[tuple[str, Any]]:
    """The blocks in order as (type, value). Raises BadText for a fence or directive without an end."""
    found: list[tuple[str, Any]] = []
    running: list[str] = []
    at = 0
    while at < len(lines):
        fence, directive = FENCE.match(lines[at]), DIRECTIVE.match(lines[at])
        if fence is None and directive is None:
            running.append(lines[at])
            at += 1
            continue
        if any(line.strip() for line in running):
            found.append(("text", rich_text("\n".join(running))))
        running = []
        end = "```" if fence else ":::"
        if end not in lines[at + 1 :]:
            raise BadText(f"{name}:{at + 3}: {lines[at]} has no closing {end}")
        close = lines.index(end, at + 1)
        inner = "\n".join(lines[at + 1 : close]).strip("\n")
        found.append(code(fence, inner) if fence else directed(name, at + 3, directive, inner))
        at = close + 1
    if any(line.strip() for line in running):
        found.append(("text", rich_text("\n".join(running))))
    return found


def code(fence: re.Match[str], inner: str) -> tuple[str, Any]:
    return "code", {"language": fence["language"], "code": inner, "caption": fence["caption"] or ""}


def directed(name: str, line: int, directive: re.Match[str] | None, inner: str) -> tuple[str, Any]:
    """The block that ``:::name argument`` stands for. Raises BadText for an unknown name."""
    kind = directive["name"] if directive else ""
    argument = (directive["argument"] if directive else "") or ""
    if kind in CALLOUTS:
        return "callout", {"kind": kind, "title": argument, "text": rich_text(inner)}
    match kind:
        case "table":
            return "table", {
                "caption": argument,
                "rows": "\n".join(row.strip() for row in inner.splitlines()),
            }
        case "diagram":
            return "diagram", {"name": argument, "caption": inner}
        case "lab" | "clause":
            return kind, argument
    raise BadText(f"{name}:{line}: no block is called {kind}")


def rich_text(markdown: str) -> str:
    """HTML as Wagtail stores rich text."""
    html = MARKDOWN.render(markdown)
    for markdown_tag, wagtail_tag in (("strong", "b"), ("em", "i")):
        html = html.replace(f"<{markdown_tag}>", f"<{wagtail_tag}>").replace(
            f"</{markdown_tag}>", f"</{wagtail_tag}>"
        )
    return re.sub(r">\n+<", "><", html).strip()
