"""The pages of the taught tree as a reader meets them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from wagtail.views import serve

from community.api import ClauseLink, ClauseReference, User, clauses, tidy
from courses import outline as outlines
from courses import progress, visibility
from courses.models import CataloguePage, Cohort, CoursePage, Enrolment, LessonPage, Level, ModulePage
from courses.models.pages import LessonQuerySet
from courses.outline import Lesson, Module, Outline
from courses.progress import Progress
from labs.api import lab_cards

COURSES_PER_PAGE = 12
COHORTS_SHOWN = 6


@dataclass(frozen=True)
class Crumb:
    title: str
    url: str = ""


@dataclass(frozen=True)
class Entry:
    """A course in a list: what it is, and how far the reader is."""

    course: Outline
    level: str
    enrolment: Enrolment | None
    progress: Progress | None


@dataclass(frozen=True)
class OutlineLesson:
    """A line of the outline as drawn."""

    lesson: Lesson
    done: bool
    current: bool
    foreign: bool


@dataclass(frozen=True)
class OutlineModule:
    module: Module
    lessons: tuple[OutlineLesson, ...]
    foreign: bool


def catalogue(request: HttpRequest) -> HttpResponse:
    """The catalogue page under its usual address; where it was moved to, if an editor renamed it."""
    try:
        return serve(request, "courses/")
    except Http404:
        page = CataloguePage.objects.live().filter(locale__language_code=get_language()).first()
        url = page.get_url(request) if page else None
        if url is None or url == request.path:
            raise
        return HttpResponseRedirect(url)


def show(request: HttpRequest, page: CataloguePage | CoursePage | ModulePage | LessonPage) -> HttpResponse:
    """The answer to a request for any page of the tree; the hook ``serve_taught_page``."""
    match page:
        case CataloguePage():
            return show_catalogue(request, page)
        case CoursePage():
            return show_course(request, page)
        case ModulePage():
            return show_module(request, page)
        case LessonPage():
            return show_lesson(request, page)


def kept_out(request: HttpRequest, course: Outline) -> HttpResponse | None:
    """The answer to a reader whom the course is not for; None for everybody else, and for an editor's preview.

    A private course does not exist for others; somebody not signed in may still be one of its people.
    """
    if getattr(request, "is_preview", False) or visibility.may_read(request.user, course):
        return None
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    raise Http404


def show_catalogue(request: HttpRequest, page: CataloguePage) -> HttpResponse:
    query = tidy(request.GET.get("q", ""))
    level = request.GET.get("level", "")
    level = level if level in Level.values else ""
    shown = visibility.readable_pages(CoursePage.objects.live().child_of(page), request.user)
    found = matching(shown, query, level).order_by("path")
    listed = Paginator(found, COURSES_PER_PAGE).get_page(request.GET.get("page"))
    kept = {name: value for name, value in (("q", query), ("level", level)) if value}
    return render(
        request,
        "courses/catalogue.html",
        {
            "page": page,
            "courses": entries(request, [course.translation_key for course in listed]),
            "listed": listed,
            "query": query,
            "level": level,
            "levels": Level.choices,
            "kept": urlencode(kept),
            "breadcrumbs": [Crumb(page.title)],
        },
    )


def matching(courses: "QuerySet[CoursePage]", query: str, level: str) -> "QuerySet[CoursePage]":
    """The courses of that level which contain every word of ``query``."""
    if level:
        courses = courses.filter(level=level)
    for word in query.split():
        courses = courses.filter(
            Q(title__icontains=word) | Q(summary__icontains=word) | Q(outcomes__icontains=word)
        )
    return courses


def lessons_matching(lessons: LessonQuerySet, query: str) -> LessonQuerySet:
    """The lessons that contain every word of ``query``."""
    for word in query.split():
        lessons = lessons.filter(Q(title__icontains=word) | Q(words__icontains=word))
    return lessons


def in_language(lessons: Iterable[LessonPage]) -> list[LessonPage]:
    """One page of each lesson: that of the active language where there is one."""
    best: dict[UUID, LessonPage] = {}
    for page in lessons:
        if page.translation_key not in best or page.locale.language_code == get_language():
            best[page.translation_key] = page
    return list(best.values())


def entries(request: HttpRequest, course_keys: Iterable[UUID]) -> list[Entry]:
    """The courses with the reader's own progress, in the order given."""
    course_keys = list(course_keys)
    found = outlines.outlines(course_keys).values()
    courses = {course.course_key: course for course in visibility.readable(found, request.user)}
    enrolments: dict[UUID, Enrolment] = {}
    reached: dict[UUID, Progress] = {}
    if isinstance(request.user, User) and courses:
        mine = Enrolment.objects.current().of(request.user).filter(course_key__in=course_keys)
        enrolments = {enrolment.course_key: enrolment for enrolment in mine}
        reached = progress.progress_of(request.user, [courses[key] for key in enrolments if key in courses])
    return [
        Entry(
            course=courses[key],
            level=str(Level(courses[key].level).label),
            enrolment=enrolments.get(key),
            progress=reached.get(key),
        )
        for key in course_keys
        if key in courses
    ]


def reader(request: HttpRequest, course: Outline) -> tuple[Enrolment | None, Progress | None]:
    """The reader's enrolment in the course and progress; None for both when not enrolled."""
    if not isinstance(request.user, User):
        return None, None
    enrolment = Enrolment.objects.current().of(request.user).in_course(course.course_key).first()
    if enrolment is None:
        return None, None
    return enrolment, progress.progress_of(request.user, [course])[course.course_key]


def drawn(course: Outline, reached: Progress | None, current: UUID | None = None) -> list[OutlineModule]:
    """The outline with check marks; ``foreign`` parts are not in the reader's language."""
    done = reached.done if reached else frozenset()
    language = get_language()
    return [
        OutlineModule(
            module=module,
            lessons=tuple(
                OutlineLesson(
                    lesson=lesson,
                    done=lesson.key in done,
                    current=lesson.key == current,
                    foreign=lesson.language != language,
                )
                for lesson in module.lessons
            ),
            foreign=module.language != language,
        )
        for module in course.modules
    ]


def links_of(references: Iterable[str]) -> dict[str, ClauseLink]:
    """Where the clause references lead in the active language; unknown ones are left out."""
    found = clauses((ClauseReference.parse(text) for text in references), get_language() or "")
    return {str(reference): link for reference, link in found.items()}


def show_course(request: HttpRequest, page: CoursePage) -> HttpResponse:
    course = outlines.outline(page.translation_key) or outlines.unpublished(page)
    if (answer := kept_out(request, course)) is not None:
        return answer
    enrolment, reached = reader(request, course)
    catalogue_page = page.get_parent()
    return render(
        request,
        "courses/course.html",
        {
            "page": page,
            "course": course,
            "level": Level(page.level).label,
            "modules": drawn(course, reached),
            "enrolment": enrolment,
            "progress": reached,
            "resume": progress.next_lesson(course, reached, enrolment) if reached else None,
            "clause_links": list(links_of(page.clauses.split()).values()),
            "may_view_learners": request.user.has_perm("courses.view_learners", page),
            "cohorts": joinable(request, course),
            "breadcrumbs": [Crumb(catalogue_page.title, catalogue_page.get_url(request)), Crumb(page.title)],
        },
    )


def joinable(request: HttpRequest, course: Outline) -> list[Cohort]:
    """The cohorts of the course, not over, that the reader may join or stands in; the first to start first."""
    person = request.user if isinstance(request.user, User) else None
    found = Cohort.objects.seen_by(person).in_course(course.course_key).going(timezone.localdate())
    cohorts = found.with_counts().select_related("organisation").order_by("starts_on", "pk")
    return list(cohorts[:COHORTS_SHOWN])


def show_module(request: HttpRequest, page: ModulePage) -> HttpResponse:
    """A module has no page of its own: its place in the course's outline."""
    course = CoursePage.objects.get(pk=page.get_parent().pk)
    if getattr(request, "is_preview", False):
        return show_course(request, course)
    told = outlines.outline(course.translation_key) or outlines.unpublished(course)
    if (answer := kept_out(request, told)) is not None:
        return answer
    siblings = list(page.get_siblings().live().values_list("pk", flat=True))
    return HttpResponseRedirect(f"{course.get_url(request)}#module-{siblings.index(page.pk) + 1}")


def show_lesson(request: HttpRequest, page: LessonPage) -> HttpResponse:
    home = page.get_parent().get_parent()
    course = outlines.outline(home.translation_key) or outlines.unpublished(home.specific)
    if (answer := kept_out(request, course)) is not None:
        return answer
    enrolment, reached = reader(request, course)
    lesson = course.lesson(page.translation_key)
    if enrolment is not None and lesson is not None and not getattr(request, "is_preview", False):
        enrolment.visit(lesson.key)
    before, after = course.around(page.translation_key)
    learner = request.user if isinstance(request.user, User) else None
    context: dict[str, Any] = {
        "page": page,
        "course": course,
        "lesson": lesson,
        "duration": lesson.duration if lesson else outlines.Duration.of(page.minutes),
        "modules": drawn(course, reached, page.translation_key),
        "enrolment": enrolment,
        "progress": reached,
        "is_done": bool(reached and lesson and lesson.key in reached.done),
        "previous_lesson": before,
        "next_lesson": after,
        "lab_cards": lab_cards(page.lab_ids, learner),
        "clause_links": links_of(page.clause_list),
        "breadcrumbs": [
            Crumb(home.get_parent().title, home.get_parent().get_url(request)),
            Crumb(home.title, home.get_url(request)),
            Crumb(page.title),
        ],
    }
    return render(request, "courses/lesson.html", context)
