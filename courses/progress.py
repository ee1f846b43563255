"""How far a learner is: computed from evidence each time, never counted up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from django.db import transaction

from community.api import User
from courses import outline as outlines
from courses.models import Enrolment, LessonCompletion
from courses.outline import Lesson, Outline
from courses.signals import course_completed
from labs.api import lab_evidence, passed_labs, passed_labs_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Progress:
    """Which lessons of a course are done; ``labs`` are the labs passed, of all courses."""

    done: frozenset[UUID]
    labs: frozenset[int]
    total: int

    @property
    def count(self) -> int:
        return len(self.done)

    @property
    def percent(self) -> int:
        """Whole percent, rounded down, so that 100 means all."""
        return 100 * self.count // self.total if self.total else 0

    @property
    def is_complete(self) -> bool:
        """Every lesson is done; a course without lessons is never complete."""
        return bool(self.total) and self.count == self.total


def is_done(lesson: Lesson, completed: set[UUID], labs: set[int]) -> bool:
    """A lesson with labs is done when all are passed, one without when the learner said so."""
    return set(lesson.lab_ids) <= labs if lesson.lab_ids else lesson.key in completed


def reckon(outline: Outline, completed: set[UUID], labs: set[int]) -> Progress:
    """The progress that this evidence makes in ``outline``."""
    done = frozenset(lesson.key for lesson in outline.lessons if is_done(lesson, completed, labs))
    return Progress(done=done, labs=frozenset(labs), total=len(outline.lessons))


def progress_of(learner: User, courses: Iterable[Outline]) -> dict[UUID, Progress]:
    """The learner's progress in several courses, in two queries."""
    courses = list(courses)
    keys = [lesson.key for outline in courses for lesson in outline.lessons]
    completed = set(
        LessonCompletion.objects.filter(learner=learner, lesson_key__in=keys).values_list(
            "lesson_key", flat=True
        )
    )
    labs = passed_labs(learner)
    return {outline.course_key: reckon(outline, completed, labs) for outline in courses}


def progress_in(outline: Outline, learners: Iterable[User]) -> dict[int, Progress]:
    """The progress of several learners in one course by learner id, in two queries."""
    learners = list(learners)
    completed: dict[int, set[UUID]] = {learner.pk: set() for learner in learners}
    rows = LessonCompletion.objects.filter(
        learner__in=learners, lesson_key__in=[lesson.key for lesson in outline.lessons]
    )
    for learner_id, key in rows.values_list("learner_id", "lesson_key"):
        completed[learner_id].add(key)
    labs = passed_labs_of(completed)
    return {pk: reckon(outline, keys, labs.get(pk, set())) for pk, keys in completed.items()}


def next_lesson(outline: Outline, progress: Progress, enrolment: Enrolment | None) -> Lesson | None:
    """Where the learner goes on: the last lesson read, else the first after it that is not done."""
    lessons = outline.lessons
    keys = [lesson.key for lesson in lessons]
    start = 0
    if enrolment is not None and enrolment.last_lesson_key in keys:
        start = keys.index(enrolment.last_lesson_key)
    waiting = [lesson for lesson in lessons[start:] + lessons[:start] if lesson.key not in progress.done]
    return waiting[0] if waiting else None


def completed_on(enrolment: Enrolment, outline: Outline) -> datetime:
    """When the last piece of evidence came in, however late anybody noticed; never before the enrolment."""
    said = LessonCompletion.objects.filter(
        learner=enrolment.learner, lesson_key__in=[lesson.key for lesson in outline.lessons]
    ).values_list("completed_at", flat=True)
    shown = [
        evidence.passed_at for lab in outline.lab_ids if (evidence := lab_evidence(enrolment.learner, lab))
    ]
    return max([enrolment.enrolled_at, *said, *shown])


@transaction.atomic
def complete_if_done(enrolment: Enrolment) -> bool:
    """Mark an active enrolment completed when all its lessons are done; True when this call did it.

    Tells ``course_completed`` on commit. Repeating changes nothing.
    """
    outline = outlines.outline(enrolment.course_key)
    if outline is None or not progress_of(enrolment.learner, [outline])[outline.course_key].is_complete:
        return False
    completed = (
        Enrolment.objects.active()
        .filter(pk=enrolment.pk)
        .update(completed_at=completed_on(enrolment, outline))
    )
    if completed:
        transaction.on_commit(
            partial(
                course_completed.send_robust,
                sender=Enrolment,
                learner=enrolment.learner,
                course_id=str(enrolment.course_key),
            )
        )
    enrolment.refresh_from_db()
    return bool(completed)


def complete_courses_with(learner: User, lab_id: int) -> None:
    """Complete the learner's courses for which the lab ``lab_id`` was the last missing piece."""
    enrolments = list(Enrolment.objects.active().of(learner).select_related("learner"))
    courses = outlines.outlines({enrolment.course_key for enrolment in enrolments})
    for enrolment in enrolments:
        outline = courses.get(enrolment.course_key)
        if outline is not None and lab_id in outline.lab_ids:
            complete_if_done(enrolment)


def settle() -> int:
    """Complete every active enrolment whose lessons are all done; says how many were owed.

    Finds what a lost nudge missed: all active enrolments of a course are weighed together.
    """
    enrolments = list(Enrolment.objects.active().select_related("learner"))
    courses = outlines.outlines({enrolment.course_key for enrolment in enrolments})
    owed = 0
    for key, outline in courses.items():
        of_course = [enrolment for enrolment in enrolments if enrolment.course_key == key]
        progress = progress_in(outline, [enrolment.learner for enrolment in of_course])
        owed += sum(
            complete_if_done(enrolment)
            for enrolment in of_course
            if progress[enrolment.learner_id].is_complete
        )
    if owed:
        log.info("courses settled", completed=owed)
    return owed
