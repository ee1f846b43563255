"""What a learner asks of a course: come in, say a lesson is done, leave."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from community.api import User
from courses import progress, visibility
from courses.models import Enrolment, LessonCompletion, LessonPage
from courses.outline import Outline, outline


class CourseNotOffered(Exception):
    """No edition of the course is published, or it is not for this learner."""


class NotEnrolled(Exception):
    """The learner is not in the course."""


class LessonHasLab(Exception):
    """The lesson is done by passing its lab, not by saying so."""


class AlreadyCompleted(Exception):
    """A completed course stays completed."""


@transaction.atomic
def enrol(learner: User, course_key: UUID | str) -> Enrolment:
    """The learner is in the course; asking twice gives the same enrolment. Earlier evidence counts.

    Raises CourseNotOffered when no edition of it is published, or none that the learner may read.
    """
    course = outline(course_key)
    if course is None or not visibility.may_read(learner, course):
        raise CourseNotOffered
    enrolment, created = Enrolment.objects.current().get_or_create(
        learner=learner, course_key=course.course_key, defaults={"withdrawn_at": None}
    )
    if created:
        progress.complete_if_done(enrolment)
    return enrolment


@transaction.atomic
def withdraw(learner: User, course_key: UUID | str) -> None:
    """The learner has left the course; what they did is kept should they come back.

    Raises NotEnrolled, and AlreadyCompleted when there is nothing left to leave.
    """
    enrolment = enrolment_in(learner, course_key)
    if not Enrolment.objects.active().filter(pk=enrolment.pk).update(withdrawn_at=timezone.now()):
        raise AlreadyCompleted


@transaction.atomic
def mark_done(learner: User, lesson_key: UUID) -> Enrolment:
    """The lesson is done, and the course with it when it was the last one; repeating keeps the first date.

    Answers with the enrolment as it is then.

    Raises NotEnrolled and LessonHasLab.
    """
    course = course_of(lesson_key)
    enrolment = enrolment_in(learner, course.course_key)
    lesson = course.lesson(lesson_key)
    if lesson is None or lesson.lab_ids:
        raise LessonHasLab
    LessonCompletion.objects.get_or_create(learner=learner, lesson_key=lesson_key)
    progress.complete_if_done(enrolment)
    return enrolment


@transaction.atomic
def take_back(learner: User, lesson_key: UUID) -> None:
    """The lesson is not done after all. Raises NotEnrolled, and AlreadyCompleted when the course is."""
    enrolment = enrolment_in(learner, course_of(lesson_key).course_key)
    if enrolment.completed_at is not None:
        raise AlreadyCompleted
    LessonCompletion.objects.filter(learner=learner, lesson_key=lesson_key).delete()


def enrolment_in(learner: User, course_key: UUID | str) -> Enrolment:
    """The learner's current enrolment in the course. Raises NotEnrolled."""
    enrolment = Enrolment.objects.current().of(learner).in_course(course_key).first()
    if enrolment is None:
        raise NotEnrolled
    return enrolment


def course_of(lesson_key: UUID) -> Outline:
    """The course whose reading list holds the lesson. Raises CourseNotOffered."""
    for lesson in LessonPage.objects.live().filter(translation_key=lesson_key).light():
        course = lesson.get_parent().get_parent()
        found = outline(course.translation_key)
        if found is not None and found.lesson(lesson_key) is not None:
            return found
    raise CourseNotOffered
