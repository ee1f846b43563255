"""Exams as a candidate finds them: the list, an exam's own page with its terms, and the button that begins."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from community.api import User, signed_in, tidy
from courses.exams import refusals, sitting
from courses.exams.refusals import ExamRefused
from courses.exams.showing import rendered
from courses.models import Attempt, Exam
from courses.views.reading import Crumb

PER_PAGE = 20


@dataclass(frozen=True)
class Sat:
    """An attempt of the reader, and the address at which it goes on or tells its result."""

    attempt: Attempt
    url: str


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The exams the reader may hear of: those for everybody, and those they are invited to."""
    query = tidy(request.GET.get("q", ""))
    reader = request.user if isinstance(request.user, User) else None
    exams = Exam.objects.announced_to(reader).matching(query).select_related("organisation")
    listed = Paginator(exams, PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "courses/exams/index.html",
        {
            "listed": listed,
            "query": query,
            "kept": urlencode({"q": query}) if query else "",
            "breadcrumbs": [Crumb(_("Exams"))],
        },
    )


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """The exam's terms, whether the reader may begin now and if not why, and their attempts."""
    exam = exam_or_404(request, slug)
    reader = request.user if isinstance(request.user, User) else None
    running, sat, refusal = None, [], ""
    if reader is not None:
        attempts = list(Attempt.objects.of(reader).filter(exam=exam))
        running = next((attempt for attempt in attempts if attempt.is_open), None)
        sat = [Sat(attempt, address_of(attempt)) for attempt in attempts]
        if running is None:
            refusal = refusal_to_begin(exam, reader)
    return render(
        request,
        "courses/exams/show.html",
        {
            "exam": exam,
            "instructions": rendered(exam.told("instructions")),
            "honour": rendered(exam.told("honour")),
            "minutes": exam.limit_s // 60 if exam.limit_s else None,
            "running": running,
            "running_url": address_of(running) if running else "",
            "sat": sat,
            "refusal": refusal,
            "breadcrumbs": [Crumb(_("Exams"), reverse("courses:exams")), Crumb(exam.title)],
        },
    )


@login_required
@require_POST
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """The clock runs and the candidate is at the paper; who may not begin is told why on the exam's page."""
    exam = exam_or_404(request, slug)
    if exam.told("honour") and request.POST.get("honour") != "yes":
        messages.warning(request, _("Read the honour statement and agree to it, then begin."))
        return redirect("courses:exam", slug=slug)
    try:
        attempt = sitting.begin(exam, signed_in(request))
    except ExamRefused as refused:
        messages.warning(request, why(refused))
        return redirect("courses:exam", slug=slug)
    return HttpResponseRedirect(address_of(attempt))


def exam_or_404(request: HttpRequest, slug: str) -> Exam:
    """An exam the reader may hear of; an unannounced one looks like none."""
    exam = get_object_or_404(Exam.objects.select_related("organisation"), slug=slug)
    if not request.user.has_perm("courses.see_exam", exam):
        raise Http404
    return exam


def address_of(attempt: Attempt) -> str:
    return reverse("courses:sitting" if attempt.is_open else "courses:outcome", args=[attempt.pk])


def refusal_to_begin(exam: Exam, person: User) -> str:
    """Why the person may not begin now; empty when they may."""
    try:
        sitting.terms_to_begin(exam, person, timezone.now())
    except ExamRefused as refused:
        return why(refused)
    return ""


def why(refused: ExamRefused) -> str:
    """What the candidate is told: what happened, why, and what to do."""

    def at(moment: object) -> str:
        return date_format(timezone.localtime(moment), "DATETIME_FORMAT")  # type: ignore[arg-type]

    match refused:
        case refusals.NotOpenYet():
            return _("This exam opens at %(time)s. Come back then.") % {"time": at(refused.opens_at)}
        case refusals.WindowClosed():
            return _("This exam closed at %(time)s. Ask its organisation whether it is held again.") % {
                "time": at(refused.closed_at)
            }
        case refusals.MustWait():
            return _("You may begin your next attempt at %(time)s.") % {"time": at(refused.until)}
        case refusals.NoAttemptsLeft():
            return _("You have used all your attempts at this exam.")
        case refusals.NotInvited():
            return _("You are not on the list of this exam. Ask its organisation to put you on it.")
        case refusals.NotReady():
            return _(
                "This exam has no complete paper yet. Its examiners have to look at it; try again later."
            )
    return _("This exam cannot be sat now.")
