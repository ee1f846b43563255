"""Instructions from Markdown to safe HTML; a fenced block ``run`` becomes a command that the page types for the reader."""

import html
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

RUN = re.compile(r"^run(?:\s+node=(?P<node>[a-z][a-z0-9-]*))?\s*$")
LANGUAGE = re.compile(r"^[a-z0-9+-]{1,20}$")
TAGS = {
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "button",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "h2",
    "h3",
    "h4",
    "h5",
    "hr",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    "span",
}
ATTRIBUTES = {
    "a": {"href", "title"},
    "button": {"type", "class", "data-node", "data-command"},
    "code": {"class"},
    "div": {"class", "tabindex", "role"},
    "ol": {"start"},
    "pre": {"class", "tabindex"},
    "th": {"class", "scope"},
    "td": {"class"},
}


def _fence(self: object, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    info = token.info.strip()
    run = RUN.match(info)
    if run is None:
        language = f' class="language-{info}"' if LANGUAGE.match(info) else ""
        return f'<pre tabindex="0"><code{language}>{html.escape(token.content)}</code></pre>\n'
    command = token.content.rstrip("\n")
    node = f' data-node="{run["node"]}"' if run["node"] else ""
    return (
        f'<button type="button" class="command"{node} data-command="{html.escape(command)}">'
        f"<code>{html.escape(command)}</code></button>\n"
    )


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("table_open", lambda *_: '<div class="table" tabindex="0" role="group"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


def _headings_below_the_step_title(tokens: list[Token]) -> None:
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(5, int(token.tag[1]) + 2)}"
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if token.type in {"th_open", "td_open"}:
            align = str(token.attrs.pop("style", "")).removeprefix("text-align:")
            if align in {"right", "center"}:
                token.attrSet("class", f"align-{align}")


@lru_cache(maxsize=512)
def render(markdown: str) -> str:
    """Safe HTML of ``markdown``: no raw HTML, links only to https addresses and to our own pages."""
    parser = _parser()
    tokens = parser.parse(markdown)
    _headings_below_the_step_title(tokens)
    return nh3.clean(
        parser.renderer.render(tokens, parser.options, {}),
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_only_safe_links,
        url_schemes={"https"},
        link_rel="noopener noreferrer",
    )


def _only_safe_links(tag: str, attribute: str, value: str) -> str | None:
    if (tag, attribute) == ("a", "href") and (value.startswith("//") or "\\" in value):
        return None
    return value
