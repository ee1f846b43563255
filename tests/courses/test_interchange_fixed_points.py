"""What is exported and imported again is the same question, or the export said what it could not hold."""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from courses.exams.interchange import formats
from courses.exams.interchange.renumbering import differences, renumbered
from tests.courses import strategies

# The same examples each time: a run that fails can be run again. Shrinking takes minutes and is left away.
SLOW = settings(
    max_examples=int(os.environ.get("INTERCHANGE_EXAMPLES", "12")),
    derandomize="INTERCHANGE_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("kind", sorted(strategies.KINDS))
@SLOW
@given(data=st.data())
def test_moodle_xml_brings_every_kind_back_whole(kind, data):
    items = tuple(data.draw(st.lists(strategies.items(kind), min_size=1, max_size=2)))
    reading = formats.read(formats.write(items, "moodle_xml").data, "questions.xml")
    assert reading.items == items
    assert reading.notes == ()


@pytest.mark.parametrize("kind", sorted(strategies.KINDS))
@SLOW
@given(data=st.data())
def test_moodle_shows_what_it_was_not_said_to_miss(kind, data):
    item = data.draw(strategies.items(kind))
    written = formats.write([item], "moodle_xml")
    told = {field for note in written.notes for field in note.arguments["fields"].split(", ")}
    bare = b"\n".join(line for line in written.data.split(b"\n") if b"<yunlian" not in line)
    again = formats.read(bare, "questions.xml").items
    if again:
        assert set(differences(renumbered(item.content), renumbered(again[0].content))) <= told
    else:
        assert told == {"content"}


@pytest.mark.parametrize("name", ["gift", "aiken"])
@pytest.mark.parametrize("kind", sorted(strategies.KINDS))
@SLOW
@given(data=st.data())
def test_plain_formats_keep_a_question_or_say_what_they_lose(name, kind, data):
    item = data.draw(strategies.items(kind, strategies.MARKDOWN))
    written = formats.write([item], name)
    codes = {note.code for note in written.notes}
    if "question_not_written" in codes:
        assert written.data.strip() == b""
        return
    (again,) = formats.read(written.data, f"questions.{written.extension}").items
    lost = {field for note in written.notes for field in note.arguments.get("fields", "").split(", ")}
    assert set(differences(renumbered(item.content), again.content)) <= lost
    assert codes <= {"fields_not_written", "ids_renumbered"}
    once_more = formats.write([again], name)
    assert formats.read(once_more.data, f"questions.{once_more.extension}").items == (again,)


PLAIN = st.text(alphabet="abc中文 1，", min_size=1, max_size=20).map(str.strip).filter(bool)


@pytest.mark.parametrize("kind", ["single", "multiple", "true_false", "numeric", "short_text", "matching"])
def test_gift_holds_simple_questions_of_its_kinds_without_a_word(kind):
    from courses.exams.content import read_content
    from courses.exams.interchange.base import Item
    from tests.courses.questions import SAMPLES

    simple = {
        "numeric": {"units": [], "unit_rule": "none"},
        "short_text": {
            "accepted": [{"text": "chmod 644"}, {"text": "(?i)chmod .*44", "rule": "regex", "share": "0.5"}]
        },
    }
    content = renumbered(read_content({**SAMPLES[kind].content, **simple.get(kind, {})}))
    written = formats.write(
        [Item(content, "q-1", "A title: with signs", tags=("a", "b"), category=("A/B", "C"))], "gift"
    )
    assert written.notes == ()
    (again,) = formats.read(written.data, "questions.gift").items
    assert (again.content, again.identifier, again.title, again.tags, again.category) == (
        content,
        "q-1",
        "A title: with signs",
        ("a", "b"),
        ("A/B", "C"),
    )


def test_what_was_changed_outside_is_read_as_it_is_shown_and_said():
    from courses.exams.content import read_content
    from courses.exams.interchange.base import Item
    from tests.courses.questions import SAMPLES

    data = formats.write([Item(read_content(SAMPLES["single"].content), title="Old")], "moodle_xml").data
    changed = data.replace(b"<text>Old</text>", b"<text>New</text>")
    reading = formats.read(changed, "questions.xml")
    assert reading.items[0].title == "New"
    lines = changed.split(b"\n")
    assert [(note.code, b"<yunlian" in lines[note.line - 1]) for note in reading.notes] == [
        ("seal_broken", True)
    ]


def test_a_forged_seal_holds_nothing_that_no_question_may_hold():
    import hashlib
    import json

    from courses.exams.interchange import sealed
    from courses.exams.interchange.base import Notes
    from courses.exams.interchange.trees import build

    for told in ('{"content": {"kind": "single"}}', "[" * 100_000, "null", '{"content": 1, "marks": "NaN"}'):
        shown = build("question", build("name", "x"))
        sum_ = hashlib.sha256(json.dumps(sealed._plain(shown)).encode()).hexdigest()
        shown.children.append(build("yunlian", told, version="1", seal=sum_))
        notes = Notes("q.xml")
        assert sealed.unseal(shown, notes) is None
        assert [note.code for note in notes.all] == ["seal_broken"]
