"""A sitting: the paper with the answers so far, saving without a websocket, handing in, and what came of it."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from courses.exams import sitting
from courses.exams.answers import AnswerRefused
from courses.exams.desk import Desk, open_desk, standing
from courses.exams.grading import answers_of, effective
from courses.exams.papers import content_of
from courses.exams.parameters import fill
from courses.exams.posting import read_posted
from courses.exams.refusals import AttemptOver
from courses.exams.saving import Change
from courses.exams.showing import Shown, show
from courses.exams.writer import writer
from courses.models import Attempt, AttemptState
from courses.views.exams import address_of
from courses.views.reading import Crumb

MOST_CHANGES = 200
MOST_BYTES = 1_200_000
WAIT_S = 15


@dataclass(frozen=True)
class Asked:
    """A question of the paper as it is drawn, with its number and what it is worth."""

    number: int
    marks: str
    shown: Shown
    heading: str


@login_required
@never_cache
@require_safe
def sit(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """The paper, for the device that opened it last."""
    attempt = own_attempt(request, attempt_id)
    if not attempt.is_open:
        return HttpResponseRedirect(address_of(attempt))
    token = sitting.open_device(attempt, device_of(request))
    attempt.refresh_from_db()
    return render(
        request,
        "courses/exams/sitting.html",
        {
            "exam": attempt.exam,
            "attempt": attempt,
            "questions": asked(attempt),
            "token": token,
            "data": {
                "attempt": str(attempt.pk),
                "token": token,
                "socket": "/ws/exams/sitting/",
                "answers": reverse("courses:answers", args=[attempt.pk]),
                "outcome": reverse("courses:outcome", args=[attempt.pk]),
                "csrf": get_token(request),
                "standing": standing(attempt),
                "words": {"answered": _("Question {n}, answered"), "open": _("Question {n}, not answered")},
            },
        },
    )


def own_attempt(request: HttpRequest, attempt_id: UUID) -> Attempt:
    """The reader's own attempt; anybody else's looks like none."""
    attempt = get_object_or_404(Attempt.objects.select_related("exam", "paper"), pk=attempt_id)
    if not request.user.has_perm("courses.sit_attempt", attempt):
        raise Http404
    return attempt


def device_of(request: HttpRequest) -> dict[str, str]:
    return {
        "address": request.META.get("REMOTE_ADDR", ""),
        "agent": request.headers.get("User-Agent", "")[:300],
    }


def asked(attempt: Attempt) -> list[Asked]:
    answers = answers_of(attempt)
    language = get_language() or ""
    return [
        Asked(
            number=slot.number,
            marks=f"{slot.marks.normalize():f}",
            shown=show(
                fill(content_of(slot.version, slot.content_hash), slot.seed),
                language,
                order=slot.order,
                given=answers.get(slot.number),
                name=f"q{slot.number}",
            ),
            heading=_("Question %(number)d") % {"number": slot.number},
        )
        for slot in attempt.paper.read_slots()
    ]


@login_required
@require_POST
def answers(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Answers without a websocket: the page's changes as JSON, or the whole form of a browser without scripts."""
    attempt = own_attempt(request, attempt_id)
    if request.content_type == "application/json":
        return kept_as_json(request, attempt)
    desk = desk_of(request.POST.get("token", ""), attempt)
    if desk is None:
        messages.warning(
            request, _("This exam was opened on another device since. Go on here to write from here again.")
        )
    elif keep_form(request, attempt, desk):
        messages.success(request, _("Your answers are saved."))
    else:
        messages.warning(request, _("Some answers could not be saved. Look through them and save again."))
    return redirect("courses:sitting", attempt_id=attempt.pk)


def desk_of(token: Any, attempt: Attempt) -> Desk | None:
    ticket = sitting.read_token(str(token))
    return open_desk(ticket) if ticket is not None and ticket.attempt == attempt.pk else None


def kept_as_json(request: HttpRequest, attempt: Attempt) -> HttpResponse:
    received_at = timezone.now()
    if len(request.body) > MOST_BYTES:
        return JsonResponse({"error": "too large"}, status=413)
    try:
        told = json.loads(request.body)
        changes = list(told["changes"])[:MOST_CHANGES]
        desk = desk_of(told["token"], attempt)
    except (ValueError, KeyError, TypeError, RecursionError):
        return JsonResponse({"error": "malformed"}, status=400)
    if desk is None:
        return JsonResponse({"error": "elsewhere"}, status=409)
    waiting = []
    refused: list[dict[str, Any]] = []
    for change in changes:
        try:
            slot, sequence = desk.place(change)
            answer = desk.checked(slot, change.get("answer"))
        except (AnswerRefused, AttributeError):
            refused.append({"slot": None, "sequence": None, "outcome": "refused"})
        else:
            told_later = writer.keep(Change(attempt.pk, desk.epoch, slot, sequence, answer, received_at))
            waiting.append((slot, sequence, told_later))
    try:
        kept = [
            {"slot": slot, "sequence": sequence, "outcome": saving.outcome, "reached": saving.reached}
            for slot, sequence, later in waiting
            for saving in [later.result(WAIT_S)]
        ]
    except (DatabaseError, TimeoutError):
        return JsonResponse({"error": "not kept"}, status=503)
    attempt.refresh_from_db()
    return JsonResponse({"kept": kept + refused, "standing": standing(attempt)})


def keep_form(request: HttpRequest, attempt: Attempt, desk: Desk) -> bool:
    """Every answer of the form that is another one than before is kept; whether all were."""
    received_at = timezone.now()
    before = answers_of(attempt)
    waiting, all_kept = [], True
    for slot in desk.versions:
        try:
            answer = desk.checked(slot, read_posted(desk.question(slot), request.POST, f"q{slot}"))
        except AnswerRefused:
            all_kept = False
            continue
        if answer != before.get(slot):
            sequence = desk.begun["heads"].get(str(slot), 0) + 1
            waiting.append(writer.keep(Change(attempt.pk, desk.epoch, slot, sequence, answer, received_at)))
    try:
        return all_kept and all(later.result(WAIT_S).outcome == "saved" for later in waiting)
    except (DatabaseError, TimeoutError):
        return False


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def hand_in(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Shows what is unanswered and asks; then the attempt is over."""
    attempt = own_attempt(request, attempt_id)
    if not attempt.is_open:
        return HttpResponseRedirect(address_of(attempt))
    if request.method == "POST":
        try:
            attempt = sitting.hand_in(attempt)
            messages.success(request, _("Your exam is handed in."))
        except AttemptOver:
            messages.info(request, _("This attempt was over already."))
        return redirect("courses:outcome", attempt_id=attempt.pk)
    answered = {slot for slot, answer in answers_of(attempt).items() if answer is not None}
    numbers = [slot.number for slot in attempt.paper.read_slots()]
    return render(
        request,
        "courses/exams/hand_in.html",
        {
            "exam": attempt.exam,
            "attempt": attempt,
            "total": len(numbers),
            "answered": len(answered),
            "unanswered": [number for number in numbers if number not in answered],
            "back": reverse("courses:sitting", args=[attempt.pk]),
        },
    )


@login_required
@never_cache
@require_safe
def outcome(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """What came of the attempt, as far as it may be told now, and its receipt."""
    attempt = own_attempt(request, attempt_id)
    if attempt.is_open:
        return HttpResponseRedirect(address_of(attempt))
    told = attempt.state == AttemptState.GRADED and attempt.exam.is_released(timezone.now())
    grades = effective(attempt) if told else {}
    rows = [
        (slot.number, f"{slot.marks.normalize():f}", points(grades[slot.number].share, slot.marks))
        for slot in attempt.paper.read_slots()
        if slot.number in grades
    ]
    return render(
        request,
        "courses/exams/outcome.html",
        {
            "exam": attempt.exam,
            "attempt": attempt,
            "told": told,
            "percent": f"{float(attempt.score * 100):.1f}" if told and attempt.score is not None else "",
            "rows": rows,
            "breadcrumbs": [
                Crumb(_("Exams"), reverse("courses:exams")),
                Crumb(attempt.exam.title, reverse("courses:exam", args=[attempt.exam.slug])),
                Crumb(_("Your attempt")),
            ],
        },
    )


def points(share: Any, marks: Any) -> str:
    """What was earned, to two places; an exact fraction is kept in the grade itself."""
    return "" if share is None else f"{float(share) * float(marks):.2f}".rstrip("0").rstrip(".")
