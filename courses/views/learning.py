"""What a learner asks of a course, each by one button."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from community.api import signed_in
from courses import cohorts, enrolling, visibility
from courses.models import Enrolment
from courses.outline import Outline, outline


def course_or_404(request: HttpRequest, course_key: UUID) -> Outline:
    """The course; whom it is not for is told that there is none."""
    course = outline(course_key)
    if course is None or not visibility.may_read(signed_in(request), course):
        raise Http404
    return course


def course_of_lesson(request: HttpRequest, lesson_key: UUID) -> Outline:
    """The course of the lesson, as course_or_404 has it. Raises enrolling.CourseNotOffered."""
    course = enrolling.course_of(lesson_key)
    if not visibility.may_read(signed_in(request), course):
        raise Http404
    return course


@login_required
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest, course_key: UUID) -> HttpResponse:
    """The learner is enrolled and at the course; somebody sent here by the sign-in page finds the button there."""
    course = course_or_404(request, course_key)
    if request.method == "POST":
        enrolling.enrol(signed_in(request), course_key)
        messages.success(request, _("You are enrolled. Your progress is kept from now on."))
    return HttpResponseRedirect(course.url)


@login_required
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, course_key: UUID) -> HttpResponse:
    """Asks first, then leaves the course."""
    course = course_or_404(request, course_key)
    if (
        request.method == "GET"
        and Enrolment.objects.active().of(signed_in(request)).in_course(course_key).exists()
    ):
        return render(request, "courses/withdraw.html", {"course": course})
    if request.method == "POST":
        try:
            cohorts.leave_course(signed_in(request), course_key)
            messages.success(request, _("You have left the course. What you did in it is kept."))
        except enrolling.AlreadyCompleted:
            messages.info(request, _("You have completed this course; there is nothing to leave."))
        except enrolling.NotEnrolled:
            messages.info(request, _("You were not enrolled in this course."))
        if not visibility.may_read(signed_in(request), course):
            return redirect("dashboard")
    return HttpResponseRedirect(course.url)


@login_required
@require_http_methods(["GET", "POST"])
def mark_done(request: HttpRequest, lesson_key: UUID) -> HttpResponse:
    """The lesson is done and its page says so; somebody sent here by the sign-in page finds the button there."""
    try:
        course = course_of_lesson(request, lesson_key)
        if request.method == "GET":
            return back_to(course, lesson_key)
        enrolment = enrolling.mark_done(signed_in(request), lesson_key)
        if enrolment.completed_at is not None:
            messages.success(request, _("All lessons are done: you have completed this course."))
    except enrolling.CourseNotOffered:
        raise Http404 from None
    except enrolling.NotEnrolled:
        messages.warning(request, _("Enrol in the course first, so that your progress is kept."))
        return HttpResponseRedirect(course.url)
    except enrolling.LessonHasLab:
        messages.info(request, _("This lesson is done when its lab is passed."))
    return back_to(course, lesson_key)


@login_required
@require_http_methods(["GET", "POST"])
def take_back(request: HttpRequest, lesson_key: UUID) -> HttpResponse:
    """The lesson is not done after all and its page says so; a link only leads to the page."""
    try:
        course = course_of_lesson(request, lesson_key)
        if request.method == "GET":
            return back_to(course, lesson_key)
        enrolling.take_back(signed_in(request), lesson_key)
    except enrolling.CourseNotOffered:
        raise Http404 from None
    except enrolling.NotEnrolled:
        return HttpResponseRedirect(course.url)
    except enrolling.AlreadyCompleted:
        messages.info(request, _("The course is completed, so its lessons stay done."))
    return back_to(course, lesson_key)


def back_to(course: Outline, lesson_key: UUID) -> HttpResponse:
    """To the lesson, at the place that tells whether it is done."""
    lesson = course.lesson(lesson_key)
    return HttpResponseRedirect(f"{lesson.url}#done" if lesson else course.url)
