"""What a lesson keeps of its body, and what editors may write."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from courses.blocks import LessonBody, TableBlock
from courses.models.pages import check_clauses, reading_minutes

CLAUSE = "yl-t-001:2026:service-health"


def test_a_lesson_knows_its_labs_and_clauses_without_its_body(course, lab):
    key = course.lesson("Known", labs=(lab, lab), blocks=[("clause", CLAUSE)])
    page = type(course.page(key)).objects.light().get(pk=course.page(key).pk)
    assert (page.lab_ids, page.clause_list) == ([lab.pk], [CLAUSE])


def test_publishing_a_changed_body_renews_what_is_kept_of_it(course, lab):
    page = course.page(course.practice)
    page.body = [("text", "<p>No lab any more</p>")]
    page.save_revision().publish()
    assert course.page(course.practice).lab_ids == []


def test_a_lesson_is_found_by_words_of_its_body_in_any_script(course):
    key = course.lesson("Words", blocks=[("text", "<p>容器&amp;限额</p><p>第二段</p>")])
    assert "容器&限额 第二段" in course.page(key).words


def test_reading_time_counts_characters_and_words():
    assert reading_minutes("云" * 600) == 2
    assert reading_minutes("cloud " * 360) == 2
    assert reading_minutes("云" * 300 + " cloud" * 180) == 2


@given(st.text())
def test_reading_any_text_takes_at_least_a_minute(text):
    assert reading_minutes(text) >= 1


def test_a_table_whose_rows_differ_in_length_is_refused():
    block = TableBlock()
    value = block.to_python({"caption": "Numbers", "rows": "a | b\n1 | 2\n3"})
    with pytest.raises(ValidationError) as refused:
        block.clean(value)
    assert "第 3 行" in str(refused.value.as_json_data())


@pytest.mark.parametrize("text", ["no reference", "yl-t-001:2026", "YL:2026:scope", "a:b:c:d"])
def test_what_is_no_clause_reference_is_refused(text):
    with pytest.raises(ValidationError):
        check_clauses(f"{CLAUSE}\n{text}")
    body = LessonBody()
    with pytest.raises(ValidationError):
        body.clean(body.to_python([{"type": "clause", "value": text}]))
