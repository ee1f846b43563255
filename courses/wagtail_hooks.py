"""What courses adds to the site's frame, and the view its pages are served by."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from wagtail import hooks
from wagtail.models import Page

from community.api import ClauseReference, NavItem, Panel, SearchHit, ThreadItem, User, excerpt
from courses import classes, progress, visibility
from courses import outline as outlines
from courses.models import CoursePage, Enrolment, LessonPage, QuestionBank
from courses.views import cohorts as cohort_lists
from courses.views import reading
from courses.views.reading import Entry

HITS = 20
COHORTS = 6


@hooks.register("serve_taught_page")
def serve_taught_page(request: HttpRequest, page: Page) -> HttpResponse:
    return reading.show(request, page)


@hooks.register("navigation_items")
def navigation(request: HttpRequest) -> NavItem:
    return NavItem(order=20, label=_("Courses"), url_name="courses:catalogue")


@hooks.register("account_items")
def cohorts_item(request: HttpRequest) -> NavItem:
    return NavItem(order=38, label=_("Cohorts"), url_name="courses:cohorts")


@hooks.register("account_items")
def exams_of_mine(request: HttpRequest) -> NavItem:
    return NavItem(order=25, label=_("Exams"), url_name="courses:exams")


@hooks.register("dashboard_panels")
def my_courses(request: HttpRequest) -> Panel | None:
    """The learner's courses with progress and the lesson to go on with."""
    if not isinstance(request.user, User):
        return None
    enrolments = list(Enrolment.objects.current().of(request.user))
    found = reading.entries(request, [enrolment.course_key for enrolment in enrolments])
    return Panel(
        order=10,
        title=_("My courses"),
        template="courses/dashboard_panel.html",
        context={"courses": [(entry, resume_of(entry)) for entry in found]},
    )


@hooks.register("dashboard_panels")
def my_cohorts(request: HttpRequest) -> Panel | None:
    """The cohorts that are not over in which the person learns or is about to, or which they see to; None without any."""
    if not isinstance(request.user, User):
        return None
    found = list(cohort_lists.mine(request.user)[:COHORTS])
    if not found:
        return None
    return Panel(
        order=12,
        title=_("My cohorts"),
        template="courses/cohorts/dashboard_panel.html",
        context={"cohorts": cohort_lists.listed(request, found)},
    )


def resume_of(entry: Entry) -> outlines.Lesson | None:
    return progress.next_lesson(entry.course, entry.progress, entry.enrolment) if entry.progress else None


@hooks.register("class_homes")
def home_of_class(key: str) -> str:
    """The page of the cohort that labs keep a class for; empty for a class of others."""
    number = key.removeprefix(classes.PREFIX)
    return reverse("courses:cohort", args=[number]) if key.startswith(classes.PREFIX) else ""


@hooks.register("search_providers")
def search(query: str, language: str) -> list[SearchHit]:
    """Courses and lessons of ``language`` that contain ``query``, without those of private courses."""
    courses = visibility.public_pages(CoursePage.objects.live().filter(locale__language_code=language))
    lessons = visibility.public_lessons(LessonPage.objects.live().filter(locale__language_code=language))
    by_course = reading.matching(courses, query, "")[:HITS]
    by_lesson = reading.lessons_matching(lessons, query).defer("body")[:HITS]
    return [
        *(SearchHit(page.title, page.get_url() or "", _("Course"), page.summary) for page in by_course),
        *(
            SearchHit(page.title, page.get_url() or "", _("Lesson"), excerpt(page.words, query))
            for page in by_lesson
        ),
    ]


@hooks.register("clause_threads", order=10)
def lessons_on(reference: ClauseReference) -> list[ThreadItem]:
    """The lessons of public courses that teach a clause, in the active language where there is a translation."""
    lessons = visibility.public_lessons(LessonPage.objects.live().teaching(str(reference)))
    teaching = lessons.light().select_related("locale")
    return [
        ThreadItem(kind=_("Lesson"), title=page.title, url=page.get_url() or "")
        for page in reading.in_language(teaching)
    ]


@hooks.register("dashboard_panels")
def my_banks(request: HttpRequest) -> Panel | None:
    """The question banks that the person writes, reviews or answers for; nothing for anybody else."""
    if not isinstance(request.user, User):
        return None
    mine = list(QuestionBank.objects.read_by(request.user).select_related("organisation"))
    if not mine:
        return None
    return Panel(
        order=30, title=_("Question banks"), template="courses/banks/panel.html", context={"banks": mine}
    )
