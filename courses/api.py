"""The door of courses for the app above it."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.db.models import QuerySet

from community.api import User
from courses.cohorts import Terms, admit, ask, open_cohort
from courses.models import (
    Attempt,
    AttemptState,
    CataloguePage,
    CoursePage,
    Enrolment,
    LessonPage,
    ModulePage,
    WayIn,
)
from courses.models.learning import EnrolmentQuerySet
from courses.outline import Outline, outline, outlines
from courses.signals import course_completed
from labs.api import LabEvidence, lab_clauses, lab_evidence

CHINESE, ENGLISH = "zh-hans", "en"


@dataclass(frozen=True)
class Completion:
    """A learner finished a course; ``evidence`` is one entry per lab of it that was passed."""

    completed_at: datetime
    course_id: str
    title_zh: str
    title_en: str
    evidence: tuple[LabEvidence, ...]


def has_completed(learner: User, course_id: str) -> bool:
    """Whether the learner finished the course, once and for all."""
    return completed_enrolments(learner).in_course(course_id).exists()


def completion(learner: User, course_id: str) -> Completion | None:
    """The fact that the learner finished the course, with its evidence; None when they did not."""
    enrolment = completed_enrolments(learner).in_course(course_id).first()
    return told(enrolment, outline(course_id)) if enrolment else None


def completed_courses(learner: User) -> list[Completion]:
    """Everything the learner finished, the latest first."""
    enrolments = list(completed_enrolments(learner).order_by("-completed_at"))
    courses = outlines({enrolment.course_key for enrolment in enrolments})
    return [told(enrolment, courses.get(enrolment.course_key)) for enrolment in enrolments]


@dataclass(frozen=True)
class ExamResult:
    """The best graded attempt of a person in an exam; ``score`` is the exact share of all marks."""

    exam_id: str
    score: Fraction
    passed: bool
    sat_at: datetime
    attempt_id: str


def exam_result(learner: User, exam_id: str) -> ExamResult | None:
    """The learner's best graded attempt in the exam; None when there is none."""
    graded = Attempt.objects.of(learner).filter(exam_id=exam_id, state=AttemptState.GRADED)
    best = max(graded, key=lambda attempt: (attempt.score or Fraction(0), -attempt.number), default=None)
    if best is None or best.ended_at is None:
        return None
    return ExamResult(
        str(best.exam_id), best.score or Fraction(0), bool(best.passed), best.ended_at, str(best.pk)
    )


def learners_who_completed(course_id: str) -> QuerySet[User]:
    """Everybody who finished the course."""
    return User.objects.filter(pk__in=Enrolment.objects.completed().in_course(course_id).values("learner_id"))


def completed_enrolments(learner: User) -> EnrolmentQuerySet:
    return Enrolment.objects.completed().of(learner).select_related("learner")


def told(enrolment: Enrolment, course: Outline | None) -> Completion:
    """The enrolment as others may know it."""
    titles = titled(course.titles) if course else {}
    found = [lab_evidence(enrolment.learner, lab) for lab in (course.lab_ids if course else ())]
    return Completion(
        completed_at=enrolment.completed_at or enrolment.enrolled_at,
        course_id=str(enrolment.course_key),
        title_zh=titles.get(CHINESE, ""),
        title_en=titles.get(ENGLISH, ""),
        evidence=tuple(evidence for evidence in found if evidence is not None),
    )


def titled(titles: dict[str, str]) -> dict[str, str]:
    """A title for each language of the site; a missing one falls back to the other's."""
    any_title = next(iter(titles.values()), "")
    return {code: titles.get(code, any_title) for code in (CHINESE, ENGLISH)}


def course_titles(course_id: str) -> dict[str, str]:
    """The title by language code; empty strings when no edition is published."""
    course = outline(course_id)
    return titled(course.titles if course else {})


def course_url(course_id: str, language: str) -> str:
    """Where the course is read in ``language``; empty when no edition is published."""
    course = outline(course_id, language)
    return course.url if course else ""


def courses_for_choice() -> list[tuple[str, str]]:
    """Every published course as (course id, title in the active language)."""
    keys = CoursePage.objects.live().order_by("path").values_list("translation_key", flat=True)
    found = outlines(dict.fromkeys(keys))
    return [(str(key), course.title) for key, course in found.items()]


def course_clauses(course_id: str) -> list[str]:
    """The clause references the course teaches or its labs check, each once, in reading order."""
    course = outline(course_id)
    if course is None:
        return []
    taught = [clause for lesson in course.lessons for clause in lesson.clauses]
    checked = [clause for lab in course.lab_ids for clause in lab_clauses(lab)]
    return list(dict.fromkeys([*course.clauses, *taught, *checked]))


__all__ = [
    "CataloguePage",
    "Completion",
    "CoursePage",
    "LabEvidence",
    "LessonPage",
    "ModulePage",
    "Terms",
    "WayIn",
    "admit",
    "ask",
    "completed_courses",
    "completion",
    "course_clauses",
    "course_completed",
    "course_titles",
    "course_url",
    "courses_for_choice",
    "has_completed",
    "learners_who_completed",
    "open_cohort",
]
