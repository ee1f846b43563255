from courses.models.cohorts import (
    Cohort,
    CohortInstructor,
    CohortPlace,
    PlaceEvent,
    PlaceState,
    WayIn,
)
from courses.models.learning import Enrolment, LessonCompletion
from courses.models.pages import CataloguePage, CoursePage, LessonPage, Level, ModulePage, Readers

__all__ = [
    "CataloguePage",
    "Cohort",
    "CohortInstructor",
    "CohortPlace",
    "CoursePage",
    "Enrolment",
    "LessonCompletion",
    "LessonPage",
    "Level",
    "ModulePage",
    "PlaceEvent",
    "PlaceState",
    "Readers",
    "WayIn",
]
