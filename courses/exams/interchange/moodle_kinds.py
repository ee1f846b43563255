"""Each kind of Moodle's questions as a kind of ours; what has no counterpart is noted, what would ask something else is left out."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from courses.exams.content import OrderingRule, UnitRule
from courses.exams.interchange import judged
from courses.exams.interchange.judged import HUNDRED, LeftOut, plain_number
from courses.exams.interchange.moodle_calculated import calculated
from courses.exams.interchange.moodle_cloze import merged, named, read_gaps
from courses.exams.interchange.moodle_fields import Fields, text_of
from courses.exams.interchange.spoken import read_text, spoken
from courses.exams.shapes import MOST_PARTS, Text

ORDERS = {
    **dict.fromkeys(("-1", "ALL_OR_NOTHING"), OrderingRule.ALL_OR_NOTHING),
    **dict.fromkeys(("0", "ABSOLUTE_POSITION"), OrderingRule.PLACES),
    **dict.fromkeys(("1", "RELATIVE_NEXT_EXCLUDE_LAST"), OrderingRule.NEIGHBOURS),
}
EXTENSION = re.compile(r"^[a-z0-9]{1,10}$")


def multichoice(fields: Fields) -> dict[str, Any]:
    answers = fields.answers()
    if fields.flag("single", True):
        found = judged.single(answers, fields.notes, fields.line)
    else:
        found = judged.multiple(answers, fields.notes, fields.line)
    return {**found, "shuffle": fields.flag("shuffleanswers", True)}


def multichoiceset(fields: Fields) -> dict[str, Any]:
    found = judged.multiple(fields.answers(), fields.notes, fields.line, all_or_nothing=True)
    return {**found, "shuffle": fields.flag("shuffleanswers", True)}


def truefalse(fields: Fields) -> dict[str, Any]:
    answers = fields.answers("moodle_auto_format")
    by_words = {answer.words.strip().lower(): answer for answer in answers}
    if set(by_words) != {"true", "false"} or len(answers) != 2:
        raise LeftOut("question_broken", fields.line, reason="true, false")
    if by_words["true"].percent == by_words["false"].percent:
        raise LeftOut("choice_none_right", fields.line)
    for answer in answers:
        judged.feedback_lost(answer, fields.notes)
        if answer.percent not in {Decimal(0), HUNDRED}:
            fields.notes.changed("choice_full", answer.line, percent=plain_number(answer.percent))
    return {"kind": "true_false", "key": by_words["true"].percent > by_words["false"].percent}


def shortanswer(fields: Fields) -> dict[str, Any]:
    case = fields.flag("usecase")
    accepted = judged.accepted(fields.answers("plain_text"), case, fields.notes, fields.line)
    return {"kind": "short_text", "accepted": accepted}


def numerical(fields: Fields) -> dict[str, Any]:
    answers = fields.answers("plain_text")
    key, tolerance = judged.numeric(answers, fields.notes, fields.line)
    line = fields.line_of("answer")
    told = [plain_number(judged.decimal_of(one, line, "numerical")) for one in (key, tolerance)]
    return {"kind": "numeric", "key": told[0], "tolerance": told[1], **units(fields)}


def calculated_numeric(fields: Fields) -> dict[str, Any]:
    found = calculated(fields)
    return {**found, **units(fields)}


def units(fields: Fields) -> dict[str, Any]:
    """The units of a number, and whether one has to be named."""
    found = []
    for group in fields.take("units"):
        for unit in group.all("unit"):
            inner = Fields(unit, fields.notes)
            name, factor = inner.value("unit_name"), inner.value("multiplier", "1")
            inner.leftovers()
            number = judged.decimal_of(factor, unit.line, "multiplier")
            if number <= 0 or not 1 <= len(name) <= 20:
                fields.notes.lost("field_lost", unit.line, field="unit", value=f"{name} {factor}")
                continue
            found.append({"name": name, "factor": plain_number(number)})
    graded = fields.value("unitgradingtype", "0") not in {"", "0"}
    penalty = fields.value("unitpenalty", "0")
    if not found:
        return {}
    if graded and judged.decimal_of(penalty or "0", fields.line, "unitpenalty") != 1:
        fields.notes.changed("unit_penalty", fields.line_of("unitpenalty"), penalty=penalty)
    return {"units": found, "unit_rule": UnitRule.REQUIRED if graded else UnitRule.OPTIONAL}


def match(fields: Fields) -> dict[str, Any]:
    left: list[dict[str, Any]] = []
    right: list[dict[str, Any]] = []
    key: dict[str, str] = {}
    for element in fields.take("subquestion"):
        inner = Fields(element, fields.notes)
        inner.take("text")
        inner.take("file")
        said = text_of(element, fields.notes)
        answer = inner.text("answer", "plain_text")
        inner.leftovers()
        if answer is None:
            raise LeftOut("option_empty", element.line)
        same = next((part["id"] for part in right if part["text"] == answer), None)
        if same is None:
            same = f"r{len(right) + 1}"
            right.append({"id": same, "text": answer})
        if said is not None:
            name = f"l{len(left) + 1}"
            left.append({"id": name, "text": said})
            key[name] = same
    if not (2 <= len(left) <= MOST_PARTS and 2 <= len(right) <= MOST_PARTS):
        raise LeftOut("option_count", fields.line, count=min(len(left), len(right)), most=MOST_PARTS)
    shuffle = fields.flag("shuffleanswers", True)
    return {"kind": "matching", "left": left, "right": right, "key": key, "shuffle": shuffle}


def ordering(fields: Fields) -> dict[str, Any]:
    answers = sorted(fields.answers(), key=lambda answer: answer.percent)
    options = judged.options_of(answers)
    for answer in answers:
        judged.feedback_lost(answer, fields.notes)
    grading = fields.value("gradingtype") or "0"
    if grading not in ORDERS:
        fields.notes.changed("ordering_rule", fields.line_of("gradingtype"), rule=grading)
    select = fields.value("selecttype") or "0"
    if select not in {"0", "ALL"}:
        fields.notes.lost("field_lost", fields.line_of("selecttype"), field="selecttype", value=select)
    items = [{"id": option["id"], "text": option["text"]} for option in options]
    return {"kind": "ordering", "items": items, "rule": ORDERS.get(grading, OrderingRule.PLACES)}


def essay(fields: Fields) -> dict[str, Any]:
    """An essay, or an upload of files where nothing is to be written."""
    form = fields.value("responseformat", "editor")
    files = fields.value("attachments", "0") or "0"
    fields.take("attachmentsrequired")
    rubric = judged.plain_rubric(fields.text("graderinfo"))
    fields.notes.changed("rubric_added", fields.line)
    if form == "noinline":
        return {"kind": "file_upload", "rubric": rubric, **_files(fields, files)}
    if files not in {"0", ""}:
        fields.notes.lost("field_lost", fields.line_of("attachments"), field="attachments", value=files)
    fields.take("maxbytes")
    found: dict[str, Any] = {"kind": "essay", "rubric": rubric}
    for name, ours in (("minwordlimit", "least_words"), ("maxwordlimit", "most_words")):
        value = fields.value(name)
        if value.isascii() and value.isdigit() and 0 < int(value[:9]) <= 20_000:
            found[ours] = int(value)
    return found


def _files(fields: Fields, files: str) -> dict[str, Any]:
    listed = re.split(r"[\s,;]+", fields.value("filetypeslist").lower())
    extensions = [one.lstrip(".") for one in listed if EXTENSION.match(one.lstrip("."))]
    strange = [one for one in listed if one and not EXTENSION.match(one.lstrip("."))]
    if strange or not extensions:
        value = ", ".join(strange) or "*"
        after = ", ".join(extensions or ["pdf", "zip"])
        fields.notes.changed(
            "field_changed", fields.line_of("filetypeslist"), field="filetypeslist", before=value, after=after
        )
    most = int(files) if files.isascii() and files.isdigit() and 1 <= int(files[:4]) <= 10 else 10
    if str(most) != files:
        fields.notes.changed(
            "field_changed", fields.line_of("attachments"), field="attachments", before=files, after=most
        )
    size = fields.value("maxbytes", "0") or "0"
    found = {"extensions": list(dict.fromkeys(extensions))[:20] or ["pdf", "zip"], "most_files": most}
    return found | (
        {"most_bytes": min(int(size[:12]), 50 * 2**20)} if size.isdigit() and int(size[:12]) else {}
    )


def cloze(fields: Fields) -> dict[str, Any]:
    """Moodle's embedded answers; the text itself holds them, so it is read here."""
    element = fields.take("questiontext")[0]
    inner = element.first("text") or element
    form = element.attributes.get("format", "html") or "html"
    gaps: list[dict[str, Any]] = []
    stem: dict[str, str] = {}
    for language, words in spoken(inner.text, fields.notes, inner.text_line).items():
        marked, found = read_gaps(words, language, fields.notes, inner.text_line)
        gaps = merged(gaps, found, fields.line) if gaps else found
        said = read_text(marked, form, fields.notes, inner.text_line)
        stem[language] = named(said.read_in("zh-hans")) if said else ""
    if not gaps or len(gaps) > MOST_PARTS:
        raise LeftOut("option_count", fields.line, count=len(gaps), most=MOST_PARTS)
    return {"kind": "cloze", "stem": Text(**stem), "gaps": gaps}


KINDS: dict[str, Callable[[Fields], dict[str, Any]]] = {
    "multichoice": multichoice,
    "multichoiceset": multichoiceset,
    "truefalse": truefalse,
    "shortanswer": shortanswer,
    "numerical": numerical,
    "calculated": calculated_numeric,
    "calculatedsimple": calculated_numeric,
    "match": match,
    "matching": match,
    "ddmatch": match,
    "ordering": ordering,
    "essay": essay,
    "cloze": cloze,
    "multianswer": cloze,
}
