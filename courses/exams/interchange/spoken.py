"""Texts in two languages and in the formats of Moodle: read into Chinese and English Markdown, written with marks for each."""

import re
from collections.abc import Iterator
from html import unescape

from courses.exams.interchange.base import MOST_MARKUP, Notes, one_line
from courses.exams.interchange.markup import html_to_markdown, plain_to_markdown, to_html
from courses.exams.shapes import Text

MARKED = re.compile(
    r"\{\s{0,5}mlang\s{1,5}([\w,\s-]{1,60})\}((?:(?!\{\s{0,5}mlang\b).)*)\{\s{0,5}mlang\s{0,5}\}",
    re.DOTALL | re.IGNORECASE,
)
SPAN = re.compile(
    r"<span\b(?=[^<>]*\bclass=[\"']?multilang\b)[^<>]*?\blang=[\"']?([\w-]{1,20})[\"']?[^<>]*>((?:(?!</?span\b).)*)</span>",
    re.DOTALL | re.IGNORECASE,
)
CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
SIMPLIFIED, TRADITIONAL, ENGLISH = ("zh_cn", "zh", "zh_hans", "zh_sg"), ("zh_tw", "zh_hk", "zh_hant"), ("en",)
PUNCTUATION = "，。：；？！、（）“”《》"


def spoken(words: str, notes: Notes, line: int) -> dict[str, str]:
    """What ``words`` say in Chinese and in English, by "zh" and "en"; lines stay where they are.

    Words outside of every mark are said in both. Words without any mark are in the language they look like.
    """
    marked = SPAN.sub(lambda found: f"{{mlang {found[1]}}}{found[2]}{{mlang}}", words)
    if not MARKED.search(marked):
        if re.search(r"\{\s*mlang\b|class=[\"']?multilang", marked, re.IGNORECASE):
            notes.changed("language_marks", line)
        return {("zh" if CHINESE.search(words) else "en"): words}
    pieces = list(_pieces(marked, line))
    codes = {code for _words, spoken_in, _line in pieces for code in spoken_in}
    chosen = {"zh": _chosen(codes, SIMPLIFIED, TRADITIONAL), "en": _chosen(codes, ENGLISH, ())}
    known = {*SIMPLIFIED, *TRADITIONAL, *(code for code in codes if code.startswith("en")), "other"}
    for piece, spoken_in, at in pieces:
        strange = [code for code in spoken_in if code not in known]
        if spoken_in and len(strange) == len(spoken_in):
            notes.lost("language_lost", at, language=strange[0], words=piece)
        if set(spoken_in) & set(TRADITIONAL) and chosen["zh"] in SIMPLIFIED:
            notes.lost("language_lost", at, language=spoken_in[0], words=piece)
    said = {}
    for language, code in chosen.items():
        if code:
            said[language] = "".join(
                piece if not spoken_in or code in spoken_in else "\n" * piece.count("\n")
                for piece, spoken_in, _line in pieces
            )
    return {language: piece for language, piece in said.items() if piece.strip()}


def _pieces(words: str, line: int) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """The words with the languages they are in (none for all) and their lines, in order."""
    at = 0
    for found in MARKED.finditer(words):
        yield words[at : found.start()], (), line + words.count("\n", 0, at)
        codes = tuple(re.sub(r"-", "_", code.strip().lower()) for code in found[1].split(",") if code.strip())
        yield found[2], codes, line + words.count("\n", 0, found.start())
        at = found.end()
    yield words[at:], (), line + words.count("\n", 0, at)


def _chosen(codes: set[str], first: tuple[str, ...], second: tuple[str, ...]) -> str:
    for code in (*first, *second):
        if code in codes:
            return code
    regional = sorted(code for code in codes if code.partition("_")[0] in first)
    return regional[0] if regional else "other" if "other" in codes else ""


def read_text(words: str, form: str, notes: Notes, line: int) -> Text | None:
    """``words`` in a format of Moodle ("html", "moodle_auto_format", "plain_text" or "markdown"); None without words."""
    if "\0" in words:
        notes.refuse("control_character", line + words[: words.index("\0")].count("\n"), sign="NUL")
    if len(words) > MOST_MARKUP:
        notes.refuse("markup_too_long", line, most=MOST_MARKUP)
    if not words.strip():
        return None
    said = {
        language: _markdown(piece, form, notes, line)
        for language, piece in spoken(words, notes, line).items()
    }
    said = {language: piece for language, piece in said.items() if piece.strip()}
    return Text(**said) if said else None


def _markdown(words: str, form: str, notes: Notes, line: int) -> str:
    if form == "markdown":
        return words.replace("@@PLUGINFILE@@/", "media:").strip("\n")
    if form == "plain_text":
        return plain_to_markdown(words)
    if form == "moodle_auto_format":
        words = _with_breaks(words)
    return html_to_markdown(words, notes, line)


def _with_breaks(words: str) -> str:
    """HTML of words whose line ends and empty lines mean something; no line moves."""
    lines = words.split("\n")
    for place, line in enumerate(lines[:-1]):
        if line.strip():
            lines[place] += "<br>" if lines[place + 1].strip() else "<p>"
    return "\n".join(lines)


def write_text(text: Text, form: str) -> str:
    """``text`` in a format of Moodle, each language between its marks when there are two."""
    said = {"zh_cn": text.zh, "en": text.en}
    told = {
        code: _no_mark(to_html(words) if form == "html" else words.replace("](media:", "](@@PLUGINFILE@@/"))
        for code, words in said.items()
        if words.strip()
    }
    if len(told) == 1:
        (code, words), *_ = told.items()
        return words if code == ("zh_cn" if CHINESE.search(words) else "en") else _mark(code, words)
    return "".join(_mark(code, words) for code, words in told.items())


def _no_mark(words: str) -> str:
    """``words`` in which what only looks like the mark of a language is shown and not obeyed."""
    return re.sub(r"\{(?=\s{0,5}mlang\b)", "&#123;", words, flags=re.IGNORECASE)


def _mark(code: str, words: str) -> str:
    return f"{{mlang {code}}}{words}{{mlang}}"


def write_shown(text: Text) -> str:
    """What a reader sees of ``text``, on one line, each language between its marks when there are two."""
    said = {code: _seen(words) for code, words in {"zh": text.zh, "en": text.en}.items() if words.strip()}
    said = {code: words for code, words in said.items() if words}
    return write_text(Text(**said), "markdown") if said else ""


def shown(text: Text, most: int = 80) -> str:
    """The first words of ``text`` as a title: on one line, without marks."""
    words = _seen(text.read_in("zh-hans"))
    return words if len(words) <= most else words[: most - 1] + "…"


def _seen(markdown: str) -> str:
    return one_line(unescape(re.sub(r"<[^>]*>", " ", to_html(markdown))))
