"""A course as one reading list, whatever the language it is read in."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils.translation import get_language
from wagtail.models import Page

from courses.models import CoursePage, LessonPage, ModulePage, Readers
from labs.api import lab_minutes

Branch = TypeVar("Branch", CoursePage, ModulePage, LessonPage)


@dataclass(frozen=True)
class Duration:
    """Minutes as a person says them."""

    hours: int
    minutes: int

    @classmethod
    def of(cls, minutes: int) -> "Duration":
        """Whole hours and the rest; past one hour rounded to five minutes, since it is an estimate."""
        return cls(*divmod(minutes if minutes < 60 else 5 * round(minutes / 5), 60))


@dataclass(frozen=True)
class Lesson:
    """A lesson as the outline shows it; ``language`` is that of the page behind ``url``."""

    key: UUID
    title: str
    summary: str
    language: str
    url: str
    minutes: int
    lab_ids: tuple[int, ...]
    clauses: tuple[str, ...]

    @property
    def duration(self) -> Duration:
        return Duration.of(self.minutes)


@dataclass(frozen=True)
class Module:
    anchor: str
    title: str
    summary: str
    language: str
    lessons: tuple[Lesson, ...]


@dataclass(frozen=True)
class Outline:
    """The live lessons of a course in order.

    Which lessons count is said by the edition in the site's own language (by the other where that is not live);
    titles and addresses are those of the reader's language where a translation is live.
    """

    course_key: UUID
    titles: dict[str, str]
    summary: str
    language: str
    url: str
    level: str
    clauses: tuple[str, ...]
    modules: tuple[Module, ...]
    is_private: bool = False

    @property
    def title(self) -> str:
        return self.titles[self.language]

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        return tuple(lesson for module in self.modules for lesson in module.lessons)

    @property
    def lab_ids(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(lab for lesson in self.lessons for lab in lesson.lab_ids))

    @property
    def minutes(self) -> int:
        return sum(lesson.minutes for lesson in self.lessons)

    @property
    def duration(self) -> Duration:
        return Duration.of(self.minutes)

    def lesson(self, key: UUID) -> Lesson | None:
        return next((lesson for lesson in self.lessons if lesson.key == key), None)

    def around(self, key: UUID) -> tuple[Lesson | None, Lesson | None]:
        """The lessons before and after ``key``."""
        lessons = self.lessons
        at = next((i for i, lesson in enumerate(lessons) if lesson.key == key), None)
        if at is None:
            return None, None
        return (lessons[at - 1] if at else None), (lessons[at + 1] if at + 1 < len(lessons) else None)


def outline(course_key: UUID | str, language: str | None = None) -> Outline | None:
    """The outline of one course in ``language`` (the active one); None when no edition of it is live."""
    return outlines([course_key], language).get(UUID(str(course_key)))


def outlines(course_keys: Iterable[UUID | str], language: str | None = None) -> dict[UUID, Outline]:
    """The outlines of several courses, in as many queries as one needs."""
    language = language or get_language() or settings.LANGUAGE_CODE
    editions = (
        CoursePage.objects.live().filter(translation_key__in=list(course_keys)).select_related("locale")
    )
    courses = grouped(editions)
    if not courses:
        return {}
    inside = reduce(or_, (Q(path__startswith=e.path) for by in courses.values() for e in by.values()))
    modules = grouped(ModulePage.objects.live().filter(inside).select_related("locale"))
    lessons = grouped(LessonPage.objects.live().filter(inside).select_related("locale").light())
    minutes = lab_minutes({lab for by in lessons.values() for page in by.values() for lab in page.lab_ids})
    return {key: read(editions, modules, lessons, minutes, language) for key, editions in courses.items()}


def titles(course_keys: Iterable[UUID], language: str | None = None) -> dict[UUID, str]:
    """What each published course is called in ``language`` (the active one), or in the other; one query."""
    language = language or get_language() or settings.LANGUAGE_CODE
    found: dict[UUID, str] = {}
    rows = CoursePage.objects.live().filter(translation_key__in=set(course_keys)).order_by("path")
    for key, code, title in rows.values_list("translation_key", "locale__language_code", "title"):
        if code == language or key not in found:
            found[key] = title
    return found


def unpublished(page: CoursePage) -> Outline:
    """The outline of a course nobody has published yet, for its preview: no lessons."""
    language = page.locale.language_code
    return Outline(
        course_key=page.translation_key,
        titles={language: page.title},
        summary=page.summary,
        language=language,
        url=page.get_url() or "",
        level=page.level,
        clauses=tuple(page.clauses.split()),
        modules=(),
        is_private=page.readers == Readers.COHORTS,
    )


def read(
    editions: dict[str, CoursePage],
    modules: dict[UUID, dict[str, ModulePage]],
    lessons: dict[UUID, dict[str, LessonPage]],
    minutes: dict[int, int],
    language: str,
) -> Outline:
    """The outline of the course whose live ``editions`` are given."""
    counted = reference(editions)
    shown = editions.get(language, counted)
    return Outline(
        course_key=counted.translation_key,
        titles={code: page.title for code, page in editions.items()},
        summary=shown.summary,
        language=shown.locale.language_code,
        url=shown.get_url() or "",
        level=shown.level,
        clauses=tuple(counted.clauses.split()),
        is_private=any(page.readers == Readers.COHORTS for page in editions.values()),
        modules=tuple(
            Module(
                anchor=f"module-{number}",
                title=best.title,
                summary=best.summary,
                language=best.locale.language_code,
                lessons=tuple(
                    entry(lesson, lessons[lesson.translation_key].get(language, lesson), minutes)
                    for lesson in below(lessons, module)
                ),
            )
            for number, module in enumerate(below(modules, counted), start=1)
            for best in [modules[module.translation_key].get(language, module)]
        ),
    )


def entry(counted: LessonPage, best: LessonPage, minutes: dict[int, int]) -> Lesson:
    """The lesson that ``counted`` makes count, as ``best`` tells it."""
    return Lesson(
        key=counted.translation_key,
        title=best.title,
        summary=best.summary,
        language=best.locale.language_code,
        url=best.get_url() or "",
        minutes=best.minutes + sum(minutes.get(lab, 0) for lab in counted.lab_ids),
        lab_ids=tuple(counted.lab_ids),
        clauses=tuple(counted.clause_list),
    )


def grouped(pages: Iterable[Branch]) -> dict[UUID, dict[str, Branch]]:
    """Pages by translation key, then by language."""
    groups: dict[UUID, dict[str, Branch]] = {}
    for page in pages:
        groups.setdefault(page.translation_key, {})[page.locale.language_code] = page
    return groups


def reference(editions: dict[str, CoursePage]) -> CoursePage:
    """The edition that says which lessons count."""
    return editions.get(settings.LANGUAGE_CODE) or editions[min(editions)]


def below(groups: dict[UUID, dict[str, Branch]], parent: Page) -> list[Branch]:
    """The pages directly below ``parent``, in the tree's order."""
    pages = [page for by_language in groups.values() for page in by_language.values()]
    return sorted(
        (page for page in pages if page.path[: -Page.steplen] == parent.path), key=lambda page: page.path
    )
