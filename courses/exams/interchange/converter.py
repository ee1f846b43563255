"""A tree of HTML as Markdown, node by node; what Markdown has no words for is noted at its line."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote

from courses.exams.interchange.base import Notes
from courses.exams.interchange.trees import Element, Words

MEDIA = "media:"
PLUGIN_FILE = "@@PLUGINFILE@@/"
BLOCKS = {
    *("p", "div", "section", "article", "header", "footer", "main", "center", "figure", "figcaption"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "pre", "blockquote", "table", "hr", "fieldset"),
}
PLAIN_BLOCKS = {"p", "div", "section", "article", "body", "html", "dt", "dd", "li", "td", "th"}
PLAIN_SPANS = {"", "span", "tbody", "thead", "tfoot", "tr", "wbr", "bdi", "abbr", "time", "colgroup", "col"}
STRONG, EMPHASIS, STRUCK = {"strong", "b"}, {"em", "i", "cite", "dfn"}, {"del", "s", "strike"}
CODE = {"code", "kbd", "samp", "tt", "var"}
DROPPED = {
    *(
        "script",
        "style",
        "iframe",
        "object",
        "embed",
        "applet",
        "form",
        "input",
        "select",
        "textarea",
        "button",
    ),
    *(
        "svg",
        "math",
        "canvas",
        "noscript",
        "template",
        "head",
        "title",
        "meta",
        "link",
        "base",
        "map",
        "area",
    ),
}
FILES = {"video", "audio"}
RAISED = dict(zip("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ", strict=True))
LOWERED = dict(zip("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", strict=True))
# Attributes that are understood, or that say nothing to a reader.
UNDERSTOOD = {
    "a": {"href", "title", "target", "rel"},
    "img": {"src", "alt", "title", "width", "height", "role"},
    "ol": {"start"},
    "code": {"class"},
    "pre": {"class", "tabindex"},
    "div": {"class", "tabindex", "role"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "video": {"src", "controls", "title"},
    "audio": {"src", "controls", "title"},
}
SILENT = {"id", "dir", "lang", "xml:lang"}
SPACE = re.compile(r"[ \t\n\r\f\v]+")
BREAK = "\v"
LINE_START = re.compile(r"^(\s*)(#{1,6}(?=\s|$)|[-+](?=\s|$)|>|=+\s*$|-+\s*$|~{3,}|(\d{1,9})([.)])(?=\s|$))")


def escaped(words: str) -> str:
    words = re.sub(r"([\\`*])", r"\\\1", words)
    words = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", words)
    words = re.sub(r"\](?=[(\[:])", r"\\]", words)
    words = re.sub(r"<(?=[A-Za-z/!?])", r"\\<", words)
    words = re.sub(r"&(?=#?\w+;)", r"\\&", words)
    return words.replace("~~", r"\~\~")


def escaped_start(line: str) -> str:
    """``line`` so that it does not begin a heading, a list, a quotation or a rule."""
    found = LINE_START.match(line)
    if found is None:
        return line
    if found[3]:
        return f"{found[1]}{found[3]}\\{found[4]}{line[found.end() :]}"
    return f"{found[1]}\\{line[len(found[1]) :]}"


def moved(name: str, words: str) -> str:
    signs = RAISED if name == "sup" else LOWERED
    if words and all(sign in signs for sign in words):
        return "".join(signs[sign] for sign in words)
    return f"{'^' if name == 'sup' else '_'}({words})" if words else ""


def file_name(node: Element) -> str:
    sources = [node.attributes.get("src", ""), *(one.attributes.get("src", "") for one in node.all("source"))]
    return unquote(next(filter(None, sources), "").rpartition("/")[2])


def allowed(target: str) -> bool:
    return not re.match(r"(?i)^\s*(?:javascript|vbscript|data|file):", target)


class Converter:
    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    def blocks(self, nodes: Iterable[Element | Words]) -> list[str]:
        """One Markdown block for each paragraph, list, table and so on; runs of words between them are paragraphs."""
        found: list[str] = []
        run: list[Element | Words] = []
        for node in nodes:
            if isinstance(node, Element) and self._is_block(node):
                found += self._paragraph(run)
                run = []
                found += self._block(node)
            else:
                run.append(node)
        return [block for block in found + self._paragraph(run) if block.strip()]

    def _is_block(self, node: Element) -> bool:
        if node.name in BLOCKS or node.name in {"body", "html"}:
            return True
        # A <span> or <a> around blocks is as good as none.
        return (
            node.name not in DROPPED | CODE
            and node.name not in STRONG | EMPHASIS
            and any(self._is_block(child) for child in node.elements)
        )

    def _paragraph(self, nodes: Sequence[Element | Words]) -> list[str]:
        lines = [escaped_start(line.strip()) for line in self.inline(nodes).strip(f" {BREAK}").split(BREAK)]
        return ["\\\n".join(line or "&nbsp;" for line in lines)] if any(lines) else []

    def _block(self, node: Element) -> list[str]:
        self._check_attributes(node)
        match node.name:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                words = self.inline(node.children, breaks=" ").strip()
                return [f"{'#' * int(node.name[1])} {words}"] if words else []
            case "ul" | "ol":
                return [self._list(node)]
            case "pre":
                return [self._code_block(node)]
            case "blockquote":
                inner = "\n\n".join(self.blocks(node.children))
                return ["\n".join(f"> {line}".rstrip() for line in inner.split("\n"))] if inner else []
            case "table":
                return self._table(node)
            case "hr":
                return ["---"]
            case "dl":
                return self._definitions(node)
        if node.name not in PLAIN_BLOCKS | PLAIN_SPANS:
            self.notes.changed("markup_element_changed", node.line, name=node.name)
        return self.blocks(node.children)

    def _list(self, node: Element) -> str:
        start = node.attributes.get("start", "")
        number = int(start) if start.isascii() and start.isdigit() and len(start) < 10 else 1
        items = []
        for child in node.children:
            if isinstance(child, Words):
                if child.text.strip():
                    items.append(escaped(child.text.strip()))
                continue
            if child.name in DROPPED:
                self._lost(child)
                continue
            self._check_attributes(child)
            blocks = self.blocks(child.children if child.name == "li" else [child])
            # A list below an item's own words stands close to them.
            items.append(re.sub(r"^([^\n]+)\n\n(?=- |\d+\. )", r"\1\n", "\n\n".join(blocks)))
        loose = "\n\n" if any("\n\n" in item and not item.startswith("```") for item in items) else "\n"
        lines = []
        for place, item in enumerate(items):
            mark = f"{number + place}. " if node.name == "ol" else "- "
            indent = " " * len(mark)
            lines.append(
                mark + "\n".join(indent + line if line else "" for line in item.split("\n")).lstrip(" ")
            )
        return loose.join(lines)

    def _code_block(self, node: Element) -> str:
        inner = node.first("code") or node
        language = re.search(r"language-([A-Za-z0-9+-]{1,20})", inner.attributes.get("class", ""))
        text = node.text.removeprefix("\n").removesuffix("\n")
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
        return f"{fence}{language[1] if language else ''}\n{text}\n{fence}"

    def _definitions(self, node: Element) -> list[str]:
        self.notes.changed("markup_element_changed", node.line, name="dl")
        return [
            block if child.name != "dt" else f"**{block}**"
            for child in node.elements
            for block in self.blocks(child.children)
        ]

    def _table(self, node: Element) -> list[str]:
        rows = [row for row in node.walk() if row.name == "tr"]
        table = [[cell for cell in row.elements if cell.name in {"td", "th"}] for row in rows]
        table = [row for row in table if row]
        captions = [block for one in node.all("caption") for block in self.blocks(one.children)]
        if not table:
            return captions
        width = max(len(row) for row in table)
        cells = [cell for row in table for cell in row]
        joined = any({"colspan", "rowspan"} & cell.attributes.keys() for cell in cells)
        flat = any(self._is_block(part) for cell in cells for part in cell.elements if part.name != "p")
        if joined or flat or any(len(row) != width for row in table):
            self.notes.changed("markup_table", node.line)
        lines = [[self._cell(cell) for cell in row] + [""] * (width - len(row)) for row in table]
        heads = all(cell.name == "th" for cell in table[0]) or any(
            row in rows[:1] for row in self._head(node)
        )
        if not heads:
            lines.insert(0, [""] * width)
        told = [f"| {' | '.join(line)} |" for line in lines]
        return [*captions, "\n".join([told[0], "|" + " --- |" * width, *told[1:]])]

    def _head(self, node: Element) -> list[Element]:
        return [row for head in node.all("thead") for row in head.all("tr")]

    def _cell(self, node: Element) -> str:
        for part in node.walk():
            self._check_attributes(part) if part.name in {"td", "th", "tr"} else None
        words = " ".join(" ".join(self.blocks(node.children)).split())
        return re.sub(r"(?<!\\)\|", r"\\|", words)

    def inline(self, nodes: Sequence[Element | Words], breaks: str = BREAK) -> str:
        """The words of a paragraph, in which ``breaks`` stands for a line break."""
        pieces = [self._piece(node, breaks) for node in nodes]
        told = ""
        for place, (mark, words) in enumerate(pieces):
            if mark:
                after = next((text for _mark, text in pieces[place + 1 :] if text), "")
                words = _marked(mark, words, told[-1:], after[:1])
            told += words.lstrip(" ") if told.endswith((" ", BREAK)) or not told else words
        return told

    def _piece(self, node: Element | Words, breaks: str) -> tuple[str, str]:
        """The mark around the words, if any, and the words."""
        if isinstance(node, Words):
            return "", escaped(SPACE.sub(" ", node.text).replace("\u00a0", " "))
        name = node.name
        if name == "br":
            return "", breaks
        if name in DROPPED:
            self._lost(node)
            return "", ""
        self._check_attributes(node)
        if name in CODE:
            return "", _code(SPACE.sub(" ", node.text).strip())
        if name == "img":
            return "", self._image(node)
        if name in FILES:
            return "", self._file(node)
        words = self.inline(node.children, breaks)
        if name in STRONG | EMPHASIS | STRUCK:
            return ("**" if name in STRONG else "*" if name in EMPHASIS else "~~"), words
        if name == "a":
            return "", self._link(node, words)
        if name in {"sup", "sub"}:
            written = moved(name, node.text)
            self.notes.changed("markup_raised", node.line, written=written)
            return "", escaped(written)
        if name == "q":
            return "", f"“{words}”"
        if name not in PLAIN_SPANS | PLAIN_BLOCKS | BLOCKS:
            self.notes.changed("markup_element_changed", node.line, name=name)
        return "", f" {words} " if name in PLAIN_BLOCKS | BLOCKS else words

    def _link(self, node: Element, words: str) -> str:
        target = node.attributes.get("href", "").strip()
        if not target:
            return words
        if not re.match(r"(?i)https?://|mailto:|/(?!/)|#|@@PLUGINFILE@@/", target):
            self.notes.lost("markup_link", node.line, target=target)
            return words
        return f"[{words.strip() or escaped(target)}]({_target(target)})"

    def _image(self, node: Element) -> str:
        source = node.attributes.get("src", "").strip()
        alt = escaped(SPACE.sub(" ", node.attributes.get("alt", "")).strip()).replace("]", "\\]")
        if not re.match(r"(?i)https://|/(?!/)|@@PLUGINFILE@@/|media:|[\w./%-]+$", source):
            self.notes.lost("markup_link", node.line, target=source)
            return alt
        return f"![{alt}]({_target(source)})"

    def _file(self, node: Element) -> str:
        sources = [
            node.attributes.get("src", ""),
            *(one.attributes.get("src", "") for one in node.all("source")),
        ]
        source = next(filter(None, sources), "")
        if not source or not allowed(source):
            self._lost(node)
            return ""
        self.notes.changed("markup_media_linked", node.line, name=node.name, target=source)
        words = self.inline([child for child in node.children if isinstance(child, Words)]).strip()
        return f"[{words or escaped(file_name(node))}]({_target(source)})"

    def _lost(self, node: Element) -> None:
        if node.name == "input" and node.attributes.get("type") == "hidden":
            return
        self.notes.lost("markup_element_lost", node.line, name=node.name)

    def _check_attributes(self, node: Element) -> None:
        known = UNDERSTOOD.get(node.name, set()) | SILENT
        for attribute, value in node.attributes.items():
            if attribute not in known and value.strip() and not attribute.startswith(("data-", "aria-", "{")):
                self.notes.changed(
                    "markup_attribute", node.line, name=node.name, attribute=attribute, value=value
                )


def _target(target: str) -> str:
    if target.startswith(PLUGIN_FILE):
        target = MEDIA + quote(unquote(target.removeprefix(PLUGIN_FILE).partition("?")[0]), safe="/")
    return re.sub(r"[\s()<>\\]", lambda found: quote(found[0], safe=""), target)


def _code(words: str) -> str:
    if not words:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", words)), default=0))
    space = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{fence}{space}{words}{space}{fence}"


def _marked(mark: str, words: str, before: str, after: str) -> str:
    """``words`` between marks, in a place where Markdown sees the marks; a sign that would hide them stays outside."""
    left, inner, right = (
        words[: len(words) - len(words.lstrip())],
        words.strip(),
        words[len(words.rstrip()) :],
    )
    if not left and _is_word(before):
        while inner and _is_sign(inner[0]):
            left, inner = left + inner[0], inner[1:]
    if not right and _is_word(after):
        while inner and _is_sign(inner[-1]):
            right, inner = inner[-1] + right, inner[:-1]
    return f"{left}{mark}{inner}{mark}{right}" if inner else left + right


def _is_sign(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "PS"


def _is_word(sign: str) -> bool:
    return bool(sign) and not sign.isspace() and not _is_sign(sign)
