"""Coming into a course, saying done, and leaving."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from courses import enrolling
from courses.models import Enrolment, LessonCompletion
from courses.outline import outline
from tests.courses.worlds import CHINESE, ENGLISH, passed


def test_enrolling_twice_gives_the_same_enrolment(learner, course):
    assert enrolling.enrol(learner, course.key) == enrolling.enrol(learner, course.key)


def test_a_course_nobody_published_takes_no_learners(learner, course):
    for edition in course.courses.values():
        edition.unpublish()
    with pytest.raises(enrolling.CourseNotOffered):
        enrolling.enrol(learner, course.key)


def test_an_unknown_course_takes_no_learners(learner, course):
    with pytest.raises(enrolling.CourseNotOffered):
        enrolling.enrol(learner, uuid4())


def test_done_needs_an_enrolment(learner, course):
    with pytest.raises(enrolling.NotEnrolled):
        enrolling.mark_done(learner, course.reading)
    assert not LessonCompletion.objects.exists()


def test_a_lesson_with_a_lab_cannot_be_talked_done(learner, course):
    enrolling.enrol(learner, course.key)
    with pytest.raises(enrolling.LessonHasLab):
        enrolling.mark_done(learner, course.practice)


def test_saying_done_twice_keeps_the_first_date(learner, course):
    enrolling.enrol(learner, course.key)
    enrolling.mark_done(learner, course.reading)
    first = LessonCompletion.objects.get().completed_at
    enrolling.mark_done(learner, course.reading)
    assert LessonCompletion.objects.get().completed_at == first


def test_done_can_be_taken_back_while_the_course_goes_on(learner, course):
    enrolling.enrol(learner, course.key)
    enrolling.mark_done(learner, course.reading)
    enrolling.take_back(learner, course.reading)
    assert not LessonCompletion.objects.exists()


def test_done_cannot_be_taken_back_once_the_course_is_completed(learner, course, lab):
    enrolling.enrol(learner, course.key)
    passed(learner, lab)
    enrolling.mark_done(learner, course.reading)
    with pytest.raises(enrolling.AlreadyCompleted):
        enrolling.take_back(learner, course.reading)


def test_who_leaves_and_comes_back_keeps_what_was_done(learner, course):
    enrolling.enrol(learner, course.key)
    enrolling.mark_done(learner, course.reading)
    enrolling.withdraw(learner, course.key)
    enrolling.enrol(learner, course.key)
    assert LessonCompletion.objects.filter(lesson_key=course.reading).exists()
    assert Enrolment.objects.current().count() == 1


def test_a_completed_course_cannot_be_left(learner, course, lab):
    enrolling.enrol(learner, course.key)
    passed(learner, lab)
    enrolling.mark_done(learner, course.reading)
    with pytest.raises(enrolling.AlreadyCompleted):
        enrolling.withdraw(learner, course.key)


def test_leaving_a_course_one_is_not_in_is_refused(learner, course):
    with pytest.raises(enrolling.NotEnrolled):
        enrolling.withdraw(learner, course.key)


def test_the_database_refuses_two_current_enrolments(learner, course):
    Enrolment.objects.create(learner=learner, course_key=course.key)
    with pytest.raises(IntegrityError, match=r"UNIQUE|one_current_enrolment"), transaction.atomic():
        Enrolment.objects.create(learner=learner, course_key=course.key)


def test_the_database_refuses_a_completed_enrolment_that_was_withdrawn(learner, course):
    now = timezone.now()
    with (
        pytest.raises(IntegrityError, match="a_completed_enrolment_is_never_withdrawn"),
        transaction.atomic(),
    ):
        Enrolment.objects.create(learner=learner, course_key=course.key, completed_at=now, withdrawn_at=now)


def test_the_outline_is_the_same_list_in_both_languages(course):
    chinese, english = outline(course.key, CHINESE), outline(course.key, ENGLISH)
    assert [lesson.key for lesson in chinese.lessons] == [lesson.key for lesson in english.lessons]
    assert english.lessons[0].title == "Reading en"
    assert english.lessons[0].url.startswith("/en/")


def test_a_lesson_without_translation_stands_in_its_own_language(course):
    only = course.lesson("Only", languages=(CHINESE,))
    lesson = outline(course.key, ENGLISH).lesson(only)
    assert (lesson.language, lesson.title) == (CHINESE, "Only zh-hans")


def test_a_lesson_only_the_translation_has_does_not_count(course):
    stray = course.lesson("Stray", languages=(ENGLISH,))
    assert outline(course.key, ENGLISH).lesson(stray) is None


def test_lessons_keep_the_order_editors_gave_them(course):
    first, second = course.page(course.reading), course.page(course.practice)
    second.move(first, pos="left")
    assert [lesson.key for lesson in outline(course.key).lessons] == [course.practice, course.reading]


def test_a_courses_minutes_are_those_of_its_reading_and_its_labs(course, lab):
    reading = sum(course.page(key).minutes for key in (course.reading, course.practice))
    assert outline(course.key, CHINESE).minutes == reading + lab.minutes


def test_an_outline_costs_the_same_however_long_the_course(course, django_assert_max_num_queries):
    for number in range(12):
        course.lesson(f"More {number}")
    with django_assert_max_num_queries(6):
        assert len(outline(course.key).lessons) == 14
