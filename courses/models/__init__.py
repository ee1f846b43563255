from courses.models.learning import Enrolment, LessonCompletion
from courses.models.pages import CataloguePage, CoursePage, LessonPage, Level, ModulePage

__all__ = [
    "CataloguePage",
    "CoursePage",
    "Enrolment",
    "LessonCompletion",
    "LessonPage",
    "Level",
    "ModulePage",
]
