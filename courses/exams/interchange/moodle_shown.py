"""What Moodle shows of a question of ours: the kind of its own that comes nearest."""

import base64
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from courses.exams.content import (
    Cloze,
    Code,
    Essay,
    FileUpload,
    LabTask,
    Marked,
    Matching,
    Multiple,
    MultipleRule,
    Numeric,
    Ordering,
    OrderingRule,
    ShortText,
    Single,
    TextRule,
    ToleranceRule,
    TrueFalse,
    UnitRule,
)
from courses.exams.interchange import spoken
from courses.exams.interchange.base import Item, Media
from courses.exams.interchange.judged import decimal_of, plain_number, starred
from courses.exams.interchange.markup import to_html
from courses.exams.interchange.moodle_calculated import datasets, written_formula, written_slots
from courses.exams.interchange.moodle_cloze import write_gaps
from courses.exams.interchange.trees import Element, build
from courses.exams.parameters import draw
from courses.exams.shapes import Question, Text

DRAWN = 20
ORDERS = {
    OrderingRule.ALL_OR_NOTHING: "ALL_OR_NOTHING",
    OrderingRule.PLACES: "ABSOLUTE_POSITION",
    OrderingRule.NEIGHBOURS: "RELATIVE_NEXT_EXCLUDE_LAST",
}
CASE_BLIND = "(?i)"


def shown(item: Item) -> Element:
    """A <question> with all that Moodle reads of ``item``."""
    kind, stem, children = _kind(item.content)
    explanation = item.content.explanation
    question = build(
        "question",
        build("name", build("text", item.title or spoken.shown(item.content.stem))),
        _html("questiontext", stem, item.media),
        build("generalfeedback", build("text", _told(explanation)), format="html"),
        build("defaultgrade", plain_number(item.marks)),
        build("penalty", "0"),
        build("hidden", "0"),
        build("idnumber", item.identifier),
        *children,
        type=kind,
    )
    if item.tags:
        question.children.append(build("tags", *(build("tag", build("text", tag)) for tag in item.tags)))
    return question


def _told(text: Text | None) -> str:
    return spoken.write_text(text, "html") if text is not None else ""


def _html(name: str, words: str, media: Sequence[Media] = ()) -> Element:
    files = [
        build("file", base64.b64encode(one.data).decode(), name=file, path=f"/{path}", encoding="base64")
        for one in media
        for path, file in [_apart(one.name)]
    ]
    return build(name, build("text", words), *files, format="html")


def _apart(name: str) -> tuple[str, str]:
    path, slash, file = name.rpartition("/")
    return path + slash, file


def _answer(
    words: str, percent: Decimal | int | str, form: str, feedback: Text | None = None, **more: str
) -> Element:
    return build(
        "answer",
        build("text", words),
        build("feedback", build("text", _told(feedback)), format="html"),
        *(build(name, value) for name, value in more.items()),
        fraction=str(percent),
        format=form,
    )


def _kind(content: Question) -> tuple[str, str, list[Element]]:
    """Moodle's name for the kind, the words of the question, and the fields of the kind."""
    stem = _told(content.stem)
    match content:
        case Single() | Multiple():
            return "multichoice", stem, _choices(content)
        case TrueFalse():
            told = [("true", content.key), ("false", not content.key)]
            return (
                "truefalse",
                stem,
                [_answer(word, 100 * right, "moodle_auto_format") for word, right in told],
            )
        case Numeric():
            return _numeric(content, stem)
        case ShortText():
            return "shortanswer", stem, _texts(content)
        case Matching():
            return "matching", stem, _pairs(content)
        case Ordering():
            return "ordering", stem, _order(content)
        case Cloze():
            language = "zh-hans" if content.stem.zh.strip() else "en"
            words = write_gaps(to_html(content.stem.read_in(language)), content.gaps, language)
            return "cloze", words, []
        case Essay() | FileUpload():
            return "essay", stem, _essay(content)
        case Code():
            template = build("responsetemplate", build("text", content.starter), format="plain_text")
            return "essay", stem, [build("responseformat", "monospaced"), template]
        case LabTask():
            return "essay", stem, [build("responseformat", "editor")]
    raise TypeError(f"{type(content).__name__} is no kind of question")


def _choices(content: Single | Multiple) -> list[Element]:
    key = {content.key} if isinstance(content, Single) else set(content.key)
    wrong = len(content.options) - len(key)
    right = plain_number(round(Decimal(100) / len(key), 5))
    lost = Decimal(0)
    if isinstance(content, Multiple) and wrong and content.rule is MultipleRule.RIGHT_MINUS_WRONG:
        lost = round(Decimal(-100) / wrong, 5)
    elif isinstance(content, Multiple) and wrong and content.rule is MultipleRule.ALL_OR_NOTHING:
        lost = Decimal(-100)
    return [
        build("single", "true" if isinstance(content, Single) else "false"),
        build("shuffleanswers", "true" if content.shuffle else "false"),
        build("answernumbering", "abc"),
        *(
            _answer(
                _told(option.text),
                right if option.id in key else plain_number(lost),
                "html",
                option.feedback,
            )
            for option in content.options
        ),
    ]


def _numeric(content: Numeric, stem: str) -> tuple[str, str, list[Element]]:
    units = [
        build("unit", build("multiplier", plain_number(unit.factor)), build("unit_name", unit.name))
        for unit in content.units
    ]
    graded = content.unit_rule is UnitRule.REQUIRED
    tail = [
        build("unitgradingtype", "1" if graded else "0"),
        build("unitpenalty", "1" if graded else "0.1"),
        build("showunits", "0" if units else "3"),
        build("unitsleft", "0"),
    ]
    tail += [build("units", *units)] if units else []
    key = _plain_key(content)
    relative = content.tolerance_rule is ToleranceRule.RELATIVE
    if key is not None and not content.parameters:
        tolerance = content.tolerance * abs(Decimal(key)) if relative else content.tolerance
        return "numerical", stem, [_answer(key, 100, "plain_text", tolerance=plain_number(tolerance)), *tail]
    formula = written_formula(content)
    if formula is None:
        return "essay", stem, [build("responseformat", "plain")]
    rule = "1" if relative else "2"
    answer = _answer(
        formula, 100, "plain_text", tolerance=plain_number(content.tolerance), tolerancetype=rule
    )
    values = [draw(content.parameters, str(seed)) for seed in range(DRAWN)]
    words = _told(written_slots(content.stem))
    return "calculated", words, [build("synchronize", "0"), answer, *tail, datasets(content, values)]


def _plain_key(content: Numeric) -> str | None:
    try:
        return plain_number(decimal_of(content.key, 0, "key"))
    except ValueError:
        return None


def _texts(content: ShortText) -> list[Element]:
    exact = any(
        one.rule is TextRule.EXACT or (one.rule is TextRule.REGEX and not one.text.startswith(CASE_BLIND))
        for one in content.accepted
    )
    told: list[tuple[str, Any]] = []
    for one in content.accepted:
        words = starred(one.text) if one.rule is TextRule.REGEX else one.text.replace("*", "\\*")
        if words is not None:
            told.append((words, one.share))
    return [
        build("usecase", "1" if exact else "0"),
        *(_answer(words, plain_number(share * 100), "plain_text") for words, share in told),
    ]


def _pairs(content: Matching) -> list[Element]:
    right = {part.id: part.text for part in content.right}
    pairs = [(_told(part.text), right[content.key[part.id]]) for part in content.left]
    pairs += [("", part.text) for part in content.right if part.id not in set(content.key.values())]
    return [
        build("shuffleanswers", "true" if content.shuffle else "false"),
        *(
            build(
                "subquestion",
                build("text", words),
                build("answer", build("text", spoken.write_text(text, "plain_text"))),
                format="html",
            )
            for words, text in pairs
        ),
    ]


def _order(content: Ordering) -> list[Element]:
    return [
        build("layouttype", "VERTICAL"),
        build("selecttype", "ALL"),
        build("selectcount", "0"),
        build("gradingtype", ORDERS[content.rule]),
        build("showgrading", "SHOW"),
        build("numberingstyle", "none"),
        *(_answer(_told(part.text), place, "html") for place, part in enumerate(content.items, 1)),
    ]


def _essay(content: Marked) -> list[Element]:
    upload = isinstance(content, FileUpload)
    fields = [
        build("responseformat", "noinline" if upload else "editor"),
        build("responserequired", "0" if upload else "1"),
        build("responsefieldlines", "15"),
        build("attachments", str(content.most_files) if isinstance(content, FileUpload) else "0"),
        build("attachmentsrequired", "1" if upload else "0"),
    ]
    if isinstance(content, FileUpload):
        fields += [
            build("maxbytes", str(content.most_bytes)),
            build("filetypeslist", ",".join(f".{one}" for one in content.extensions)),
        ]
    elif isinstance(content, Essay):
        fields += [
            build("minwordlimit", str(content.least_words)),
            build("maxwordlimit", str(content.most_words)),
        ]
    return [*fields, _html("graderinfo", _rubric(content)), _html("responsetemplate", "")]


def _rubric(content: Marked) -> str:
    """The rubric as a table for whoever marks, in each language it has."""
    languages = [code for code in ("zh", "en") if getattr(content.stem, code).strip()]
    told = {}
    for code in languages:
        lines = [
            f"- {criterion.text.read_in(code)}\n"
            + "\n".join(f"  - {level.points}: {level.text.read_in(code)}" for level in criterion.levels)
            for criterion in content.rubric
        ]
        told[code] = to_html("\n".join(lines))
    return (
        told[languages[0]]
        if len(told) == 1
        else f"{{mlang zh_cn}}{told['zh']}{{mlang}}{{mlang en}}{told['en']}{{mlang}}"
    )
