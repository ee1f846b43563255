"""Moodle XML as Moodle and people write it: each construct is a question of ours, or a note with its line."""

import base64
from decimal import Decimal
from textwrap import dedent

import pytest

from courses.exams.content import write_content
from courses.exams.interchange import formats, moodle_fields
from courses.exams.interchange.base import Reading, Refused
from courses.exams.parameters import check_formulas

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n'


def read(*questions: str) -> Reading:
    body = "\n".join(dedent(question).strip("\n") for question in questions)
    return formats.read(f"{HEAD}{body}\n</quiz>\n".encode(), "quiz.xml")


def question(kind: str, fields: str, stem: str = "<p>What holds?</p>") -> str:
    return (
        f'<question type="{kind}">\n<name><text>Q</text></name>\n'
        f'<questiontext format="html"><text><![CDATA[{stem}]]></text></questiontext>\n{dedent(fields).strip()}\n</question>'
    )


def told(reading: Reading) -> list[tuple[int, str, str]]:
    return [(note.line, note.severity.value, note.code) for note in reading.notes]


def content(reading: Reading) -> dict:
    (item,) = reading.items
    return write_content(item.content)


def answer(words: str, fraction: object, more: str = "", feedback: str = "") -> str:
    return (
        f'<answer fraction="{fraction}" format="html"><text><![CDATA[{words}]]></text>'
        f'<feedback format="html"><text>{feedback}</text></feedback>{more}</answer>'
    )


EXPORTED = """
    <!-- question: 0  -->
      <question type="category">
        <category><text>$course$/top/Linux/A//B files</text></category>
        <info format="html"><text></text></info>
        <idnumber></idnumber>
      </question>
    <!-- question: 123  -->
      <question type="multichoice">
        <name><text>Permissions</text></name>
        <questiontext format="html">
          <text><![CDATA[<p dir="ltr">Which mode is <code>rw-r--r--</code>?<br></p>]]></text>
        </questiontext>
        <generalfeedback format="html"><text><![CDATA[<p>6 is <b>4+2</b>.</p>]]></text></generalfeedback>
        <defaultgrade>2.5000000</defaultgrade>
        <penalty>0.3333333</penalty>
        <hidden>0</hidden>
        <idnumber>perm-1</idnumber>
        <single>true</single>
        <shuffleanswers>false</shuffleanswers>
        <answernumbering>abc</answernumbering>
        <showstandardinstruction>0</showstandardinstruction>
        <correctfeedback format="html"><text>Your answer is correct.</text></correctfeedback>
        <partiallycorrectfeedback format="html"><text></text></partiallycorrectfeedback>
        <incorrectfeedback format="html"><text></text></incorrectfeedback>
        <shownumcorrect/>
        <answer fraction="100" format="html">
          <text><![CDATA[<p>644</p>]]></text>
          <feedback format="html"><text><![CDATA[<p>Yes</p>]]></text></feedback>
        </answer>
        <answer fraction="0" format="html">
          <text><![CDATA[<p>755</p>]]></text>
          <feedback format="html"><text></text></feedback>
        </answer>
        <hint format="html"><text>Think of bits.</text></hint>
        <tags><tag><text>linux</text></tag><tag><text>files</text></tag></tags>
      </question>
"""


def test_a_question_that_moodle_exported_is_read_with_all_that_has_a_place_here():
    reading = read(EXPORTED)
    (item,) = reading.items
    assert (item.identifier, item.title, item.marks) == ("perm-1", "Permissions", Decimal("2.5"))
    assert (item.tags, item.category) == (("linux", "files"), ("Linux", "A/B files"))
    assert content(reading) == {
        "kind": "single",
        "stem": {"en": "Which mode is `rw-r--r--`?", "zh": ""},
        "explanation": {"en": "6 is **4+2**.", "zh": ""},
        "parameters": [],
        "options": [
            {"id": "a", "text": {"en": "644", "zh": ""}, "feedback": {"en": "Yes", "zh": ""}},
            {"id": "b", "text": {"en": "755", "zh": ""}},
        ],
        "key": "a",
        "shuffle": False,
    }
    assert [(note.line, note.arguments["field"]) for note in reading.notes] == [
        (24, "correctfeedback"),
        (36, "hint"),
    ]
    assert item.line == 10


@pytest.mark.parametrize(
    ("answers", "single", "key", "codes"),
    [
        ([100, 0, 0], "true", "a", []),
        ([0, 50, 100], "true", "c", ["choice_percent"]),
        ([-25, 100, 0], "true", "b", ["choice_percent"]),
        ([80, 0, 0], "true", "a", ["choice_full"]),
        ([50, 50, -100], "false", ["a", "b"], []),
        ([33.33333, 33.33333, 33.33333], "false", ["a", "b", "c"], []),
        ([50, 50, 0], "false", ["a", "b"], ["choice_rule"]),
        ([75, 25, -100], "0", ["a", "b"], ["choice_rule"]),
    ],
)
def test_per_cents_become_a_key_and_what_else_they_said_is_noted(answers, single, key, codes):
    fields = f"<single>{single}</single>" + "".join(answer(f"o{percent}", percent) for percent in answers)
    reading = read(question("multichoice", fields))
    assert content(reading)["key"] == key
    assert [note.code for note in reading.notes] == codes


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([100, 100, 0], "choice_several_right"),
        ([0, 0], "choice_none_right"),
        ([100], "option_count"),
        ([], "option_count"),
    ],
)
def test_a_choice_that_would_ask_something_else_here_is_left_out(answers, code):
    fields = "<single>true</single>\n" + "\n".join(answer(f"o{place}", p) for place, p in enumerate(answers))
    reading = read(question("multichoice", fields))
    assert reading.items == ()
    assert [note.code for note in reading.notes] == [code]


def test_true_and_false():
    reading = read(question("truefalse", answer("true", 0, feedback="No") + "\n" + answer("false", 100)))
    assert content(reading)["key"] is False
    assert told(reading) == [(6, "lost", "answer_feedback")]


@pytest.mark.parametrize(
    ("case", "words", "accepted"),
    [
        (0, "ls -l", {"text": "ls -l", "rule": "normalised", "share": "1"}),
        (1, "ls -l", {"text": "ls -l", "rule": "exact", "share": "1"}),
        (0, "ls*", {"text": "(?i)ls.*", "rule": "regex", "share": "1"}),
        (1, "a.b*c", {"text": r"a\.b.*c", "rule": "regex", "share": "1"}),
        (0, r"2\*3", {"text": "2*3", "rule": "normalised", "share": "1"}),
    ],
)
def test_short_answers_keep_case_and_stars(case, words, accepted):
    reading = read(question("shortanswer", f"<usecase>{case}</usecase>{answer(words, 100)}"))
    assert content(reading)["accepted"] == [accepted]
    assert reading.notes == ()


def test_shares_of_short_answers_are_kept_and_a_star_for_everything_else_is_known():
    fields = (
        f"<usecase>0</usecase>\n{answer('ls', 100)}\n{answer('dir', 33.33333)}\n{answer('*', 0, feedback='')}"
    )
    assert [one["share"] for one in content(read(question("shortanswer", fields)))["accepted"]] == [
        "1",
        "0.3333333",
    ]


def test_an_order_of_short_answers_that_counts_in_moodle_is_noted():
    fields = f"<usecase>0</usecase>\n{answer('l*', 50)}\n{answer('ls', 100)}"
    assert told(read(question("shortanswer", fields))) == [(7, "changed", "text_order")]


NUMBER = """
    <answer fraction="100" format="moodle_auto_format"><text>3.50</text><feedback><text></text></feedback><tolerance>0.1</tolerance></answer>
    <unitgradingtype>{graded}</unitgradingtype>
    <unitpenalty>{penalty}</unitpenalty>
    <units>
      <unit><multiplier>1</multiplier><unit_name>GiB</unit_name></unit>
      <unit><multiplier>1024</multiplier><unit_name>MiB</unit_name></unit>
    </units>
"""


@pytest.mark.parametrize(
    ("graded", "penalty", "rule", "codes"),
    [(0, "0.1000000", "optional", []), (1, "1", "required", []), (2, "0.5", "required", ["unit_penalty"])],
)
def test_numbers_keep_their_tolerance_and_units(graded, penalty, rule, codes):
    reading = read(question("numerical", NUMBER.format(graded=graded, penalty=penalty)))
    found = content(reading)
    assert (found["key"], found["tolerance"], found["unit_rule"]) == ("3.5", "0.1", rule)
    assert found["units"] == [{"name": "GiB", "factor": "1"}, {"name": "MiB", "factor": "1024"}]
    assert [note.code for note in reading.notes] == codes


def test_a_second_number_is_lost_and_said():
    fields = answer("5", 100, "<tolerance>0</tolerance>") + "\n" + answer("5", 50, "<tolerance>1</tolerance>")
    assert told(read(question("numerical", fields))) == [(7, "lost", "number_other")]


@pytest.mark.parametrize("words", ["*", "five", "NaN", "1e999"])
def test_what_is_no_number_is_left_out(words):
    assert read(question("numerical", answer(words, 100))).items == ()


def test_pairs_keep_distractors_and_answers_that_are_used_twice():
    pairs = [("<b>fork</b>", "process"), ("mmap", "memory"), ("clone", "process"), ("", "network")]
    fields = "<shuffleanswers>true</shuffleanswers>" + "".join(
        f'<subquestion format="html"><text><![CDATA[{left}]]></text><answer><text>{right}</text></answer></subquestion>'
        for left, right in pairs
    )
    reading = read(question("matching", fields))
    found = content(reading)
    assert [part["text"]["en"] for part in found["left"]] == ["**fork**", "mmap", "clone"]
    assert [part["text"]["en"] for part in found["right"]] == ["process", "memory", "network"]
    assert found["key"] == {"l1": "r1", "l2": "r2", "l3": "r1"}
    assert reading.notes == ()


@pytest.mark.parametrize(
    ("grading", "rule", "codes"),
    [
        ("ABSOLUTE_POSITION", "places", []),
        ("-1", "all_or_nothing", []),
        ("RELATIVE_NEXT_EXCLUDE_LAST", "neighbours", []),
        ("LONGEST_ORDERED_SUBSET", "places", ["ordering_rule"]),
    ],
)
def test_an_order_is_read_by_its_numbers(grading, rule, codes):
    fields = (
        f"<layouttype>VERTICAL</layouttype><selecttype>ALL</selecttype><gradingtype>{grading}</gradingtype>"
        + answer("third", "3.0000000")
        + answer("first", "1.0000000")
        + answer("second", "2.0000000")
    )
    reading = read(question("ordering", fields))
    assert [part["text"]["en"] for part in content(reading)["items"]] == ["first", "second", "third"]
    assert content(reading)["rule"] == rule
    assert [note.code for note in reading.notes] == codes


def test_an_essay_gets_a_rubric_that_says_what_graders_were_told():
    fields = """
        <responseformat>editor</responseformat>
        <attachments>0</attachments>
        <minwordlimit>50</minwordlimit>
        <maxwordlimit>300</maxwordlimit>
        <graderinfo format="html"><text><![CDATA[<p>Look for <b>cgroups</b>.</p>]]></text></graderinfo>
        <responsetemplate format="html"><text>Begin here</text></responsetemplate>
    """
    reading = read(question("essay", fields))
    found = content(reading)
    assert (found["least_words"], found["most_words"]) == (50, 300)
    assert found["rubric"][0]["text"]["en"] == "Look for **cgroups**."
    assert told(reading) == [(3, "changed", "rubric_added"), (11, "lost", "field_lost")]


def test_an_essay_of_files_alone_is_an_upload():
    fields = """
        <responseformat>noinline</responseformat>
        <attachments>3</attachments>
        <attachmentsrequired>1</attachmentsrequired>
        <maxbytes>1048576</maxbytes>
        <filetypeslist>.pdf,.docx</filetypeslist>
    """
    found = content(read(question("essay", fields)))
    assert (found["kind"], found["extensions"], found["most_files"], found["most_bytes"]) == (
        "file_upload",
        ["pdf", "docx"],
        3,
        2**20,
    )


CLOZE = (
    "<p>The command {1:SHORTANSWER:=ls#right~%50%dir~*} lists; {2:NUMERICAL:=22:0.5} is the port,\n"
    "and {:MCV:~tcp~=udp &amp; more~icmp} is {SAC} no gap, {3:SHORTANSWER_C:=Fork\\}~=a\\~b}.</p>"
)


def test_embedded_answers_become_gaps():
    reading = read(question("cloze", "", CLOZE))
    found = content(reading)
    assert found["stem"]["en"] == (
        "The command [[g1]] lists; [[g2]] is the port, and [[g3]] is {SAC} no gap, [[g4]]."
    )
    text, number, choice, cased = found["gaps"]
    assert [(one["text"], one["share"]) for one in text["accepted"]] == [("ls", "1"), ("dir", "0.5")]
    assert (number["key"], number["tolerance"], number["weight"]) == ("22", "0.5", 2)
    assert [option["text"]["en"] for option in choice["options"]] == ["tcp", "udp & more", "icmp"]
    assert choice["key"] == "b"
    assert [(one["text"], one["rule"]) for one in cased["accepted"]] == [("Fork}", "exact"), ("a~b", "exact")]
    assert [(note.line, note.code) for note in reading.notes] == [(5, "answer_feedback")]


def test_embedded_answers_in_two_languages_are_the_same_gaps():
    stem = "{mlang zh_cn}端口 {1:NUMERICAL:=22}{mlang}{mlang en}Port {1:NUMERICAL:=22}{mlang}"
    assert content(read(question("cloze", "", stem)))["stem"] == {"zh": "端口 [[g1]]", "en": "Port [[g1]]"}


@pytest.mark.parametrize(
    ("stem", "code"),
    [
        ("a\n{1:SHORTANSWER:=x", "cloze_open"),
        ("a\n{1:MULTIRESPONSE:=x~=y}", "cloze_several"),
        ("a\n{1:DRAWING:=x}", "cloze_kind"),
        ("a\n{1:MULTICHOICE:x~y}", "choice_none_right"),
    ],
)
def test_embedded_answers_that_cannot_be_kept_leave_the_question_out(stem, code):
    assert told(read(question("cloze", "", stem))) == [(6, "lost", code)]


CALCULATED = """
    <synchronize>0</synchronize>
    <answer fraction="100">
      <text>{formula}</text>
      <tolerance>0.01</tolerance><tolerancetype>1</tolerancetype>
      <correctanswerformat>1</correctanswerformat><correctanswerlength>2</correctanswerlength>
      <feedback format="html"><text></text></feedback>
    </answer>
    <dataset_definitions>
      <dataset_definition>
        <status><text>private</text></status><name><text>N</text></name><type>calculated</type>
        <distribution><text>uniform</text></distribution>
        <minimum><text>2</text></minimum><maximum><text>9</text></maximum><decimals><text>1</text></decimals>
        <itemcount>1</itemcount>
        <dataset_items><dataset_item><number>1</number><value>3.5</value></dataset_item></dataset_items>
        <number_of_items>1</number_of_items>
      </dataset_definition>
    </dataset_definitions>
"""


def test_a_calculated_question_is_a_number_over_parameters():
    reading = read(
        question(
            "calculated", CALCULATED.replace("{formula}", "pow({N},2)/3 + pow(2,pow({N},1))*0"), "Of {N}?"
        )
    )
    found = content(reading) if reading.items else None
    assert found is None  # a power of a fraction is no exact number
    reading = read(question("calculated", CALCULATED.replace("{formula}", "pow({N},2)/3"), "Of {N} and {M}?"))
    found = content(reading)
    assert found["stem"]["en"] == "Of {{n}} and {M}?"
    assert (found["key"], found["tolerance_rule"]) == ("((n)**(2))/3", "relative")
    assert found["parameters"] == [{"name": "n", "low": "2", "high": "9", "step": "0.1"}]
    assert [note.code for note in reading.notes] == ["dataset_drawn"]
    check_formulas(reading.items[0].content)


@pytest.mark.parametrize(
    ("formula", "stem", "code"),
    [
        ("sin({N})", "Of {N}?", "formula_function"),
        ("{N} ? 1 : 2", "Of {N}?", "formula_broken"),
        ("{N}+{M}", "Of {N}?", "formula_broken"),
        ("{N}*2", "Of {={N}*2}?", "formula_in_text"),
    ],
)
def test_what_cannot_be_computed_exactly_is_left_out(formula, stem, code):
    reading = read(question("calculated", CALCULATED.replace("{formula}", formula), stem))
    assert reading.items == ()
    assert code in {note.code for note in reading.notes}


def test_descriptions_and_foreign_kinds_are_named_with_their_lines():
    reading = read(question("description", ""), question("ddimageortext", ""), "<other>x</other>")
    assert told(reading) == [
        (3, "lost", "description_lost"),
        (8, "lost", "question_kind"),
        (13, "lost", "markup_element_lost"),
    ]


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        ("{mlang zh_cn}中{mlang}{mlang en}E{mlang}", "中", "E"),
        ("{mlang en}E{mlang} 1 {mlang zh_cn}中{mlang}", "1 中", "E 1"),
        ("{ mlang ZH-CN }中{mlang}{mlang other}O{mlang}", "中", "O"),
        (
            '<span lang="zh_cn" class="multilang">中</span> <span class="multilang" lang="en">E</span>',
            "中",
            "E",
        ),
        ("{mlang en_us}E{mlang}{mlang zh}中{mlang}", "中", "E"),
        ("{mlang zh_tw}繁{mlang}", "繁", ""),
        ("中文 only", "中文 only", ""),
        ("only English", "", "only English"),
    ],
)
def test_both_ways_to_mark_a_language_are_read(words, zh, en):
    reading = read(question("truefalse", answer("true", 100) + answer("false", 0), words))
    assert content(reading)["stem"] == {"zh": zh, "en": en}
    assert reading.notes == ()


def test_a_third_language_is_lost_and_said_at_its_line():
    stem = "{mlang en}E{mlang}\n{mlang de}D{mlang}\n{mlang zh_cn}中{mlang}"
    reading = read(question("truefalse", answer("true", 100) + answer("false", 0), stem))
    assert [(note.line, note.code, note.arguments["language"]) for note in reading.notes] == [
        (6, "language_lost", "de")
    ]


@pytest.mark.parametrize(
    ("form", "words", "markdown"),
    [
        ("markdown", "**a** `b`", "**a** `b`"),
        ("plain_text", "**a** <b>", r"\*\*a\*\* \<b>"),
        ("moodle_auto_format", "a\nb\n\nc &lt;", "a\\\nb\n\nc <"),
        ("html", "a\nb", "a b"),
    ],
)
def test_every_format_of_texts_is_read(form, words, markdown):
    fields = answer("true", 100) + answer("false", 0)
    raw = question("truefalse", fields, words).replace(
        '<questiontext format="html">', f'<questiontext format="{form}">'
    )
    assert content(read(raw))["stem"]["en"] == markdown


PIXEL = base64.b64encode(b"\x89PNG picture").decode()


def with_file(file: str, stem: str = '<img src="@@PLUGINFILE@@/a%20b.png" alt="A">') -> str:
    fields = answer("true", 100) + answer("false", 0)
    return question("truefalse", fields, stem).replace(
        "</text></questiontext>", f"</text>\n{file}</questiontext>"
    )


def test_pictures_come_with_their_bytes_and_keep_their_place():
    reading = read(with_file(f'<file name="a b.png" path="/" encoding="base64">{PIXEL}</file>'))
    (item,) = reading.items
    assert [(media.name, media.data) for media in item.media] == [("a b.png", b"\x89PNG picture")]
    assert item.content.stem.en == "![A](media:a%20b.png)"
    assert reading.notes == ()


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ('<file name="a.png" path="/" encoding="base64">@@@@</file>', "media_broken"),
        ('<file name="a.png" path="/" encoding="hex">00</file>', "media_broken"),
        (f'<file name="a.png" path="/../../etc/" encoding="base64">{PIXEL}</file>', "media_broken"),
        ("", "media_missing"),
    ],
)
def test_a_picture_that_cannot_be_kept_is_named(file, code):
    assert code in {note.code for note in read(with_file(file)).notes}


def test_a_picture_that_is_too_large_is_a_reason_to_refuse(monkeypatch):
    monkeypatch.setattr(moodle_fields, "MOST_MEDIA_BYTES", 5)
    with pytest.raises(Refused) as refused:
        read(with_file(f'<file name="a.png" path="/" encoding="base64">{PIXEL}</file>'))
    assert (refused.value.told.code, refused.value.told.line) == ("media_too_large", 6)


def test_fields_that_nobody_knows_are_named_with_their_lines():
    fields = f"<single>true</single>\n<plugin_wonder>42</plugin_wonder>\n{answer('a', 100)}{answer('b', 0)}"
    assert told(read(question("multichoice", fields))) == [(7, "lost", "field_lost")]


@pytest.mark.parametrize(
    ("grade", "marks", "codes"),
    [("1.0000000", "1", []), ("0", "1", ["field_changed"]), ("0.3333333", "0.33", ["field_changed"])],
)
def test_marks_have_two_decimals(grade, marks, codes):
    fields = f"<defaultgrade>{grade}</defaultgrade>" + answer("true", 100) + answer("false", 0)
    reading = read(question("truefalse", fields))
    assert [note.code for note in reading.notes] == codes
    assert reading.items[0].marks == Decimal(marks)


def test_one_question_that_is_too_long_does_not_take_the_others_with_it():
    fields = answer("true", 100) + answer("false", 0)
    reading = read(question("truefalse", fields, "long " * 5_000), question("truefalse", fields))
    assert len(reading.items) == 1
    assert [note.code for note in reading.notes] == ["question_broken"]


@pytest.mark.parametrize("root", ["<other/>", "<a><quiz/></a>"])
def test_other_xml_is_refused(root):
    with pytest.raises(Refused):
        formats.read(root.encode(), "x.xml")


def test_a_broken_file_is_refused_whole_with_its_line():
    with pytest.raises(Refused) as refused:
        read(question("truefalse", answer("true", 100)), "<question>")
    assert refused.value.told.code == "xml_broken"
    assert refused.value.told.line > 8
