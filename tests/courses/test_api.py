"""What the app above may ask of courses."""

from uuid import uuid4

from courses import api, enrolling
from tests.courses.worlds import CHINESE, ENGLISH, passed


def complete(learner, course, lab):
    enrolling.enrol(learner, course.key)
    passed(learner, lab)
    enrolling.mark_done(learner, course.reading)


def test_a_course_is_completed_only_when_it_is(learner, course, lab):
    enrolling.enrol(learner, course.key)
    assert not api.has_completed(learner, str(course.key))
    assert api.completion(learner, str(course.key)) is None
    complete(learner, course, lab)
    assert api.has_completed(learner, str(course.key))


def test_a_completion_carries_titles_in_both_languages_and_the_labs_evidence(learner, course, lab):
    complete(learner, course, lab)
    [completion] = api.completed_courses(learner)
    assert completion == api.completion(learner, str(course.key))
    assert (completion.title_zh, completion.title_en) == ("balancing zh-hans", "balancing en")
    assert [evidence.session_id for evidence in completion.evidence] == [str(learner.lab_sessions.get().pk)]


def test_a_completion_outlives_the_course(learner, course, lab):
    complete(learner, course, lab)
    for edition in course.courses.values():
        edition.unpublish()
    assert api.has_completed(learner, str(course.key))
    assert api.completion(learner, str(course.key)).evidence == ()


def test_who_completed_a_course_can_be_listed(learner, course, lab):
    complete(learner, course, lab)
    assert list(api.learners_who_completed(str(course.key))) == [learner]


def test_courses_are_offered_for_choice_by_key_and_title(course):
    assert api.courses_for_choice() == [(str(course.key), "balancing zh-hans")]


def test_titles_and_addresses_come_in_the_language_asked_for(course):
    assert api.course_titles(str(course.key)) == {CHINESE: "balancing zh-hans", ENGLISH: "balancing en"}
    assert api.course_url(str(course.key), ENGLISH) == "/en/courses/balancing/"


def test_an_unknown_course_has_empty_titles_and_no_address(db):
    assert set(api.course_titles(str(uuid4())).values()) == {""}
    assert api.course_url(str(uuid4()), ENGLISH) == ""


def test_a_courses_clauses_are_those_it_teaches_and_its_labs_check(course):
    course.lesson("Taught", blocks=[("clause", "yl-t-001:2026:scope")])
    assert api.course_clauses(str(course.key)) == ["yl-t-001:2026:scope", "yl-t-001:2026:service-health"]
