"""XML and HTML from strangers as a tree that knows its lines: no document types, no entities, no network, no depth."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NoReturn
from xml.parsers import expat

from courses.exams.interchange.base import MOST_DEPTH, MOST_ELEMENTS, MOST_MARKUP, Notes

DECLARED = re.compile(
    rb"""^(?:\xef\xbb\xbf)?<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']"""
)
# expat reads UTF-8, UTF-16 and the one-byte encodings by itself; these it does not.
MULTIBYTE = {"gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# An opening tag on the left ends an open element on the right, as browsers do.
CLOSES: dict[str, set[str]] = {
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "tr": {"tr", "td", "th"},
    "td": {"td", "th"},
    "th": {"td", "th"},
    "tbody": {"thead", "tbody", "tr", "td", "th"},
    "option": {"option"},
}
ENDS_PARAGRAPH = {
    *("p", "div", "ul", "ol", "dl", "pre", "table", "blockquote", "hr", "section", "article"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
}
UNSPEAKABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A whole tag, in one pass: the parser of the standard library needs a pass for each tag that is never closed.
TAG = re.compile(r"""</?[A-Za-z](?:(?>[^<>"']+|"[^"]{0,1000}"|'[^']{0,1000}')*+>|[^<>]*+>)""")
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True)
class Words:
    text: str
    line: int


@dataclass(eq=False)
class Element:
    """An element with its lines; attributes with a namespace are named ``{uri}name``."""

    name: str
    line: int
    namespace: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Element | Words]" = field(default_factory=list)

    @property
    def elements(self) -> "list[Element]":
        return [child for child in self.children if isinstance(child, Element)]

    def all(self, name: str) -> "list[Element]":
        return [child for child in self.elements if child.name == name]

    def first(self, name: str) -> "Element | None":
        return next(iter(self.all(name)), None)

    def walk(self) -> "Iterator[Element]":
        """This element and everything below it, in the order of the file."""
        yield self
        for child in self.elements:
            yield from child.walk()

    @property
    def own_text(self) -> str:
        """The words directly in this element."""
        return "".join(child.text for child in self.children if isinstance(child, Words))

    @property
    def text(self) -> str:
        """All words in this element and below."""
        return "".join(child.text for child in self.children)

    @property
    def text_line(self) -> int:
        """Where its words begin."""
        return next((child.line for child in self.children if isinstance(child, Words)), self.line)


def _add_words(parent: Element, text: str, line: int) -> None:
    last = parent.children[-1] if parent.children else None
    if isinstance(last, Words):
        parent.children[-1] = Words(last.text + text, last.line)
    else:
        parent.children.append(Words(text, line))


class _Builder:
    """Builds the tree from expat's calls."""

    def __init__(self, parser: "expat.XMLParserType", notes: Notes) -> None:
        self.parser, self.notes = parser, notes
        self.root = Element("", 0)
        self.open = [self.root]
        self.count = 0
        self.pieces: list[str] = []
        self.pieces_line = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.flush()
        self.count += 1
        line = self.parser.CurrentLineNumber
        if len(self.open) > MOST_DEPTH:
            self.notes.refuse("xml_too_deep", line, most=MOST_DEPTH)
        if self.count > MOST_ELEMENTS:
            self.notes.refuse("xml_too_many", line, most=MOST_ELEMENTS)
        namespace, _, local = name.rpartition("}")
        named = {f"{{{key}" if "}" in key else key: value for key, value in attributes.items()}
        element = Element(local, line, namespace, named)
        self.open[-1].children.append(element)
        self.open.append(element)

    def end(self, _name: str) -> None:
        self.flush()
        self.open.pop()

    def words(self, text: str) -> None:
        if not self.pieces:
            self.pieces_line = self.parser.CurrentLineNumber
        self.pieces.append(text)

    def flush(self) -> None:
        if self.pieces:
            _add_words(self.open[-1], "".join(self.pieces), self.pieces_line)
            self.pieces = []

    def doctype(self, *_declared: object) -> NoReturn:
        self.notes.refuse("xml_doctype", self.parser.CurrentLineNumber)


def read_xml(data: bytes, notes: Notes) -> Element:
    """The root element of the document. Raises Refused for what is not well formed, too large, or declares anything."""
    told = _decoded(data, notes)
    parser = expat.ParserCreate(namespace_separator="}")
    builder = _Builder(parser, notes)
    parser.buffer_text = False
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.words
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.EntityDeclHandler = builder.doctype
    parser.ExternalEntityRefHandler = builder.doctype
    try:
        parser.Parse(told, True)
    except expat.ExpatError as error:
        notes.refuse("xml_broken", error.lineno, reason=expat.errors.messages[error.code])
    except (LookupError, ValueError) as error:
        if hasattr(error, "told"):
            raise
        notes.refuse("xml_broken", parser.CurrentLineNumber, reason=error)
    return builder.root.elements[0]


def _decoded(data: bytes, notes: Notes) -> bytes | str:
    declared = DECLARED.match(data)
    encoding = declared[1].decode().lower() if declared else ""
    if encoding not in MULTIBYTE:
        return data
    try:
        # The larger one of the family reads everything of the smaller ones.
        return data.decode("gb18030" if encoding.startswith("gb") else encoding)
    except UnicodeDecodeError as error:
        notes.refuse("encoding_broken", data.count(b"\n", 0, error.start) + 1, encoding=encoding)


class _Page(HTMLParser):
    """Builds the tree from HTML as people write it: what is never closed ends where browsers end it."""

    def __init__(self, line: int, notes: Notes) -> None:
        super().__init__(convert_charrefs=True)
        self.before, self.notes = line - 1, notes
        self.root = Element("", line)
        self.open = [self.root]

    @property
    def line(self) -> int:
        return self.before + self.getpos()[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._close_before(tag)
        if len(self.open) > MOST_DEPTH:
            self.notes.refuse("xml_too_deep", self.line, most=MOST_DEPTH)
        element = Element(tag, self.line, "", {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        names = [element.name for element in self.open]
        if tag in names[1:]:
            del self.open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        _add_words(self.open[-1], data, self.line)

    def _close_before(self, tag: str) -> None:
        if tag in ENDS_PARAGRAPH and self.open[-1].name == "p":
            self.open.pop()
        while self.open[-1].name in CLOSES.get(tag, ()):
            self.open.pop()


def read_html(html: str, notes: Notes, line: int = 1) -> Element:
    """A nameless element around what ``html`` says; ``line`` is where it begins in its file. Raises Refused."""
    if len(html) > MOST_MARKUP:
        notes.refuse("markup_too_long", line, most=MOST_MARKUP)
    page = _Page(line, notes)
    page.feed(_only_whole_tags(html.replace("\r\n", "\n").replace("\r", "\n")))
    page.close()
    return page.root


def _only_whole_tags(html: str) -> str:
    """``html`` in which every ``<`` begins a whole tag; comments and declarations leave their line ends behind."""
    pieces: list[str] = []
    absent: set[str] = set()
    at = 0
    while (begin := html.find("<", at)) >= 0:
        pieces.append(html[at:begin])
        if found := TAG.match(html, begin):
            pieces.append(found[0])
            at = found.end()
            continue
        closing = (
            "-->"
            if html.startswith("<!--", begin)
            else ">"
            if html[begin + 1 : begin + 2] in {"!", "?"}
            else ""
        )
        end = html.find(closing, begin) if closing and closing not in absent else -1
        if end < 0:
            absent.add(closing)
            pieces.append("&lt;")
            at = begin + 1
        else:
            pieces.append("\n" * html.count("\n", begin, end))
            at = end + len(closing)
    return "".join([*pieces, html[at:]])


def build(name: str, /, *children: "Element | str", **attributes: str) -> Element:
    """An element to be written; a trailing underscore in an attribute's name is left away."""
    told = {key.rstrip("_"): value for key, value in attributes.items()}
    made: list[Element | Words] = [
        Words(allowed_in_xml(child), 0) if isinstance(child, str) else child for child in children
    ]
    return Element(name, 0, "", told, [child for child in made if not isinstance(child, Words) or child.text])


def write_xml(root: Element) -> bytes:
    """The document: UTF-8, each element on its own line, words letter by letter as they are."""
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + _written(root, "") + "\n").encode()


def _written(element: Element, indent: str) -> str:
    attributes = "".join(f' {name}="{_quoted(value)}"' for name, value in element.attributes.items())
    if not element.children:
        return f"{indent}<{element.name}{attributes}/>"
    if not element.elements:
        return f"{indent}<{element.name}{attributes}>{_quoted(element.own_text)}</{element.name}>"
    inner = "\n".join(_written(child, indent + "  ") for child in element.elements)
    return f"{indent}<{element.name}{attributes}>\n{inner}\n{indent}</{element.name}>"


def allowed_in_xml(words: str) -> str:
    """``words`` with a replacement character where XML has none for them."""
    return UNSPEAKABLE.sub("\ufffd", words)


def _quoted(words: str) -> str:
    words = allowed_in_xml(words).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return words.replace('"', "&quot;").replace("\r", "&#13;").replace("\t", "&#9;")
