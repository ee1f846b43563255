"""HTML of other systems to our Markdown and back; what Markdown cannot say is noted with its line, never dropped."""

import re
from collections.abc import Sequence
from functools import lru_cache

from markdown_it import MarkdownIt

from courses.exams.interchange.base import Notes
from courses.exams.interchange.converter import (
    DROPPED,
    FILES,
    MEDIA,
    PLUGIN_FILE,
    Converter,
    escaped,
    escaped_start,
    file_name,
    moved,
)
from courses.exams.interchange.trees import Element, Words, read_html
from courses.exams.shapes import LONGEST_TEXT

TEX = re.compile(r"\\\(.{1,500}?\\\)|\\\[.{1,500}?\\\]|\$\$.{1,500}?\$\$", re.DOTALL)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    # As labs.markup reads it; XHTML, so that it can stand inside XML.
    options = {"html": False, "linkify": False, "xhtmlOut": True}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"])


def to_html(markdown: str, *, media: str = PLUGIN_FILE) -> str:
    """``markdown`` as well-formed XHTML; files it shows are looked for under ``media``."""
    html = _parser().render(markdown)
    return re.sub(rf'((?:src|href)="){MEDIA}', lambda found: found[1] + media, html).strip()


def plain_to_markdown(words: str) -> str:
    """Markdown that shows ``words`` as they are, line by line."""
    paragraphs = re.split(r"\n\s*\n", words.replace("\r\n", "\n").replace("\r", "\n").strip("\n"))
    return "\n\n".join(
        "\\\n".join(escaped_start(escaped(line.strip())) for line in paragraph.split("\n"))
        for paragraph in paragraphs
    )


def html_to_markdown(html: str, notes: Notes, line: int = 1) -> str:
    """``html`` that begins at ``line`` of its file, as Markdown. Raises Refused for what is too long or too deep."""
    return to_markdown(read_html(html, notes, line).children, notes)


def to_markdown(nodes: Sequence[Element | Words], notes: Notes) -> str:
    """The nodes of a tree as Markdown; files named ``@@PLUGINFILE@@/name`` become ``media:name``."""
    converter = Converter(notes)
    markdown = "\n\n".join(converter.blocks(nodes))
    first = next((node.line for node in nodes), 0)
    before = "".join(_shown(node) for node in nodes)
    if len(markdown) > LONGEST_TEXT:
        return markdown  # no question holds it
    if _compared(before) != _compared("".join(map(_shown, read_html(to_html(markdown), notes).children))):
        notes.changed("markup_differs", first)
    if TEX.search(before):
        notes.info("markup_formula", first)
    return markdown


def _shown(node: Element | Words) -> str:
    """The words of ``node`` that a reader sees, as far as they are kept."""
    if isinstance(node, Words):
        return node.text
    if node.name in DROPPED:
        return ""
    if node.name in {"sup", "sub"}:
        return moved(node.name, node.text)
    if node.name == "img":
        return node.attributes.get("alt", "")
    words = "".join(_shown(child) for child in node.children)
    if node.name in FILES:
        return words.strip() or file_name(node)
    return words.strip() or node.attributes.get("href", "") if node.name == "a" else words


def _compared(words: str) -> str:
    return "".join(words.split()).replace("\u200b", "")
