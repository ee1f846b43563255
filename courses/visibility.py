"""Which courses a person may read: the one place where private courses are decided."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import CharField, Exists, ExpressionWrapper, F, OuterRef, QuerySet
from wagtail.permission_policies.pages import PagePermissionPolicy

from community.api import User, is_operator
from courses.models import Cohort, CoursePage
from courses.models.pages import LessonQuerySet
from courses.outline import Outline

Visitor = User | AnonymousUser


def may_read(visitor: Visitor, course: Outline) -> bool:
    """Whether ``visitor`` may read the course; everybody may, unless it is for its cohorts only."""
    return bool(readable([course], visitor))


def readable(courses: Iterable[Outline], visitor: Visitor) -> list[Outline]:
    """Those of ``courses`` that ``visitor`` may read; no query while all are public."""
    courses = list(courses)
    private = {course.course_key for course in courses if course.is_private}
    shown = shown_keys(visitor, private) if private else set()
    return [course for course in courses if not course.is_private or course.course_key in shown]


def readable_pages(pages: "QuerySet[CoursePage]", visitor: Visitor) -> "QuerySet[CoursePage]":
    """Those of ``pages`` whose course ``visitor`` may read."""
    hidden = CoursePage.private_keys()
    if isinstance(visitor, User) and visitor.is_active:
        if is_operator(visitor):
            return pages
        hidden = hidden.exclude(translation_key__in=keys_of(visitor))
        if visitor.has_perm("wagtailadmin.access_admin"):
            hidden = hidden.exclude(translation_key__in=edited_keys(visitor))
    return pages.exclude(translation_key__in=hidden)


def public_pages(pages: "QuerySet[CoursePage]") -> "QuerySet[CoursePage]":
    """Those of ``pages`` that everybody may read: for answers that are not one person's."""
    return pages.exclude(translation_key__in=CoursePage.private_keys())


def public_lessons(lessons: LessonQuerySet) -> LessonQuerySet:
    """Those of ``lessons`` that everybody may read: for answers that are not one person's."""
    lesson_path = ExpressionWrapper(OuterRef("path"), output_field=CharField())
    private = CoursePage.objects.filter(translation_key__in=CoursePage.private_keys())
    above = private.annotate(lesson_path=lesson_path).filter(lesson_path__startswith=F("path"))
    return lessons.filter(~Exists(above))


def shown_keys(visitor: Visitor, private: set[UUID]) -> set[UUID]:
    """Those of the ``private`` courses that ``visitor`` may read after all."""
    if not isinstance(visitor, User) or not visitor.is_active:
        return set()
    if is_operator(visitor):
        return private
    shown = set(keys_of(visitor).filter(course_key__in=private))
    if private - shown and visitor.has_perm("wagtailadmin.access_admin"):
        shown |= set(edited_keys(visitor).filter(translation_key__in=private))
    return shown


def keys_of(person: User) -> "QuerySet[Cohort, UUID]":
    """The courses of the cohorts that ``person`` learns in, teaches or answers for."""
    cohorts = Cohort.objects.run_by(person) | Cohort.objects.learnt_in_by(person)
    return cohorts.order_by().values_list("course_key", flat=True)


def edited_keys(person: User) -> "QuerySet[CoursePage, UUID]":
    """The courses whose pages ``person`` may change."""
    pages = PagePermissionPolicy().instances_user_has_permission_for(person, "change")
    return CoursePage.objects.filter(pk__in=pages.values("pk")).values_list("translation_key", flat=True)
