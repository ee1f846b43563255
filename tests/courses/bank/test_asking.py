"""A question as candidates see it: without its key, answered by a plain form, scored as the paper will be."""

import re
from fractions import Fraction

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string

from courses.exams.answers import read_answer
from courses.exams.content import read_content
from courses.exams.drawing import option_order
from courses.exams.explaining import key_lines
from courses.exams.posting import PlacesMissing, read_posted
from courses.exams.scoring import score
from courses.exams.showing import show
from tests.courses.questions import SAMPLES, SCORED_AT_ONCE

FIELDS = re.compile(r"<(input|select|textarea)\b[^>]*>")


def drawn(kind: str, /, given: dict[str, object] | None = None, **changes: object) -> str:
    question = read_content({**SAMPLES[kind].content, **changes})
    shown = show(question, "en", order=option_order(question, "7"), given=given)
    return render_to_string(shown.template, {"shown": shown})


def posted(given: dict[str, object]) -> QueryDict:
    """The fields a browser would send for an answer."""
    data = QueryDict(mutable=True)
    for key, value in given.items():
        if key == "choices":
            data.setlist("answer", list(value))
        elif key == "order":
            for place, item in enumerate(value, 1):
                data[f"answer-{item}"] = str(place)
        elif isinstance(value, dict):
            for part, said in value.items():
                data[f"answer-{part}"] = said
        elif key in {"unit"} or (key == "value" and isinstance(value, str)):
            data[f"answer-{key}"] = value
        else:
            data["answer"] = str(value).lower() if isinstance(value, bool) else value
    return data


@pytest.mark.parametrize("kind", SCORED_AT_ONCE)
def test_what_a_plain_form_sends_is_scored_like_the_answer_itself(kind):
    sample = SAMPLES[kind]
    question = read_content(sample.content)
    for given, worth in ((sample.right, Fraction(1)), (sample.wrong, Fraction(0))):
        answer = read_answer(question, read_posted(question, posted(given)))
        assert score(question, answer).fraction == worth


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_a_form_left_empty_answers_nothing(kind):
    assert read_posted(read_content(SAMPLES[kind].content), QueryDict()) is None


@pytest.mark.parametrize("places", [{"a": "1"}, {"a": "1", "b": "1", "c": "2", "d": "3"}, {"a": "x"}])
def test_an_order_needs_a_place_for_each_and_none_twice(places):
    question = read_content(SAMPLES["ordering"].content)
    data = QueryDict(mutable=True)
    data.update({f"answer-{item}": place for item, place in places.items()})
    with pytest.raises(PlacesMissing):
        read_posted(question, data)


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_every_field_of_every_kind_has_a_name_for_a_screen_reader(kind):
    page = drawn(kind)
    for field in FIELDS.finditer(page):
        own = re.search(r'\bid="([^"]+)"', field[0])
        assert "aria-label=" in field[0] or (own and f'<label for="{own[1]}"' in page), field[0]


@pytest.mark.parametrize("kind", ["single", "multiple", "true_false", "matching", "ordering"])
def test_what_belongs_together_is_one_group_with_a_legend_and_its_stem(kind):
    page = drawn(kind)
    assert page.count("<fieldset") == page.count("<legend>") == 1
    assert 'aria-describedby="answer-stem"' in page
    assert 'id="answer-stem"' in page


def test_no_kind_shows_what_is_accepted_or_explained():
    secret = {"zh": "机密", "en": "SECRET"}
    for kind, sample in SAMPLES.items():
        content = {**sample.content, "explanation": secret}
        if "options" in content:
            content["options"] = [{**option, "feedback": secret} for option in content["options"]]
        assert "SECRET" not in drawn(kind, **content)
    assert "chmod" not in drawn("short_text")
    assert "fork" not in drawn("cloze")
    assert "3.5" not in drawn("numeric")
    assert "GiB" not in drawn("numeric")


def test_two_papers_with_different_keys_look_the_same():
    for key in ("a", "b", "c"):
        assert drawn("single", key=key) == drawn("single")


def test_things_to_put_in_order_never_stand_in_the_right_one():
    page = drawn("ordering")
    assert re.findall(r'name="answer-(\w)"', page) != ["a", "b", "c", "d"]


@pytest.mark.parametrize("kind", SCORED_AT_ONCE)
def test_an_answer_given_before_stands_in_the_form(kind):
    page = drawn(kind, given=SAMPLES[kind].right)
    marks = (" checked", " selected", 'value="3,584"', 'value="  chmod   644"')
    assert any(mark in page for mark in marks)
    assert page != drawn(kind)


def test_the_other_language_stands_in_for_a_missing_one():
    question = read_content({**SAMPLES["essay"].content, "stem": {"zh": "只有中文"}})
    shown = show(question, "en")
    assert (shown.language, "只有中文" in shown.stem) == ("zh-hans", True)


def test_markup_of_a_stem_is_drawn_and_foreign_html_is_not():
    page = drawn("essay", stem={"en": "**bold** <script>alert(1)</script>"})
    assert "<strong>bold</strong>" in page
    assert "<script" not in page


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_the_key_of_every_kind_can_be_told(kind):
    assert key_lines(read_content(SAMPLES[kind].content), "en")
