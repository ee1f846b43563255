"""Progress is computed from evidence, and completion is told once."""

from datetime import UTC, datetime, timedelta

import pytest

from courses import enrolling, progress
from courses.models import Enrolment, LessonCompletion
from courses.outline import outline
from courses.signals import course_completed
from labs.signals import lab_passed
from tests.courses.worlds import CHINESE, course_in, passed
from tests.labs.factories import LabFactory, LearnerFactory

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.fixture
def told():
    heard = []

    def hear(sender, learner, course_id, **kwargs):
        heard.append((learner, course_id))

    course_completed.connect(hear)
    yield heard
    course_completed.disconnect(hear)


def reached(learner, course):
    return progress.progress_of(learner, [outline(course.key)])[course.key]


def test_nothing_is_done_at_first(learner, course):
    assert (reached(learner, course).count, reached(learner, course).total) == (0, 2)


def test_a_passed_lab_does_its_lesson(learner, course, lab):
    passed(learner, lab)
    assert reached(learner, course).done == {course.practice}


def test_a_lab_begun_but_not_passed_does_nothing(learner, course, lab):
    session = passed(learner, lab)
    type(session).objects.update(passed_at=None)
    assert reached(learner, course).done == set()


def test_saying_done_to_a_lesson_with_a_lab_does_not_do_it(learner, course):
    LessonCompletion.objects.create(learner=learner, lesson_key=course.practice)
    assert reached(learner, course).done == set()


def test_a_lesson_with_two_labs_needs_both(learner, course, lab):
    other = LabFactory()
    both = course.lesson("Both", labs=(lab, other))
    passed(learner, lab)
    assert both not in reached(learner, course).done
    passed(learner, other)
    assert both in reached(learner, course).done


def test_somebody_elses_evidence_does_not_count(learner, course, lab):
    passed(LearnerFactory(), lab)
    assert reached(learner, course).count == 0


def test_a_course_without_lessons_is_never_complete(learner, catalogues):
    empty = course_in(catalogues, "empty")
    enrolment = enrolling.enrol(learner, empty.key)
    assert progress.complete_if_done(enrolment) is False


def test_all_evidence_together_completes_the_course_and_tells_it_once(learner, course, lab, told, committed):
    enrolling.enrol(learner, course.key)
    passed(learner, lab)
    committed(enrolling.mark_done, learner, course.reading)
    committed(enrolling.mark_done, learner, course.reading)
    assert told == [(learner, str(course.key))]


def test_a_lab_passed_last_completes_the_course_by_its_nudge(learner, course, lab, told, committed):
    enrolling.enrol(learner, course.key)
    enrolling.mark_done(learner, course.reading)
    session = passed(learner, lab)
    committed(lab_passed.send_robust, sender=type(session), session=session)
    assert told == [(learner, str(course.key))]


def test_settling_finds_a_completion_whose_nudge_was_lost(learner, course, lab, told, committed):
    enrolling.enrol(learner, course.key)
    enrolling.mark_done(learner, course.reading)
    passed(learner, lab)
    assert committed(progress.settle) == 1
    assert committed(progress.settle) == 0
    assert told == [(learner, str(course.key))]


def test_settling_leaves_the_unfinished_and_the_withdrawn_alone(learner, course, lab):
    enrolling.enrol(learner, course.key)
    enrolling.mark_done(learner, course.reading)
    gone = LearnerFactory()
    enrolling.enrol(gone, course.key)
    enrolling.mark_done(gone, course.reading)
    enrolling.withdraw(gone, course.key)
    passed(gone, lab)
    assert progress.settle() == 0


def test_nobody_is_told_when_the_change_rolls_back(learner, course, lab, told):
    enrolling.enrol(learner, course.key)
    passed(learner, lab)
    enrolling.mark_done(learner, course.reading)
    assert told == []


def test_completion_is_dated_by_its_last_evidence_and_not_by_who_noticed(learner, course, lab):
    Enrolment.objects.create(learner=learner, course_key=course.key, enrolled_at=MONDAY)
    LessonCompletion.objects.create(
        learner=learner, lesson_key=course.reading, completed_at=MONDAY + timedelta(hours=1)
    )
    passed(learner, lab, at=MONDAY + timedelta(hours=2))
    progress.settle()
    assert Enrolment.objects.get().completed_at == MONDAY + timedelta(hours=2)


def test_evidence_from_before_enrolling_counts_from_the_enrolment_on(learner, course, lab):
    passed(learner, lab, at=MONDAY)
    LessonCompletion.objects.create(learner=learner, lesson_key=course.reading, completed_at=MONDAY)
    enrolment = enrolling.enrol(learner, course.key)
    assert enrolment.completed_at == enrolment.enrolled_at


def test_a_lesson_added_later_does_not_undo_a_completion(learner, course, lab):
    enrolling.enrol(learner, course.key)
    passed(learner, lab)
    enrolling.mark_done(learner, course.reading)
    course.lesson("Later")
    assert Enrolment.objects.completed().exists()
    assert not reached(learner, course).is_complete


def test_a_lesson_taken_offline_is_no_longer_asked_for(learner, course, lab):
    enrolling.enrol(learner, course.key)
    passed(learner, lab)
    course.page(course.reading, CHINESE).unpublish()
    assert progress.settle() == 1


def test_progress_of_many_learners_takes_two_queries(course, lab, django_assert_num_queries):
    learners = [LearnerFactory() for _ in range(5)]
    passed(learners[3], lab)
    shape = outline(course.key)
    with django_assert_num_queries(2):
        found = progress.progress_in(shape, learners)
    assert [found[person.pk].count for person in learners] == [0, 0, 0, 1, 0]


def test_one_resumes_where_one_was_and_not_at_what_is_done(learner, course, lab):
    enrolment = enrolling.enrol(learner, course.key)
    shape = outline(course.key)
    assert progress.next_lesson(shape, reached(learner, course), enrolment).key == course.reading
    enrolment.visit(course.practice)
    assert progress.next_lesson(shape, reached(learner, course), enrolment).key == course.practice
    passed(learner, lab)
    assert progress.next_lesson(shape, reached(learner, course), enrolment).key == course.reading
