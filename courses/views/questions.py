"""One question of a bank: seen and tried as candidates see it, written, reviewed, and how it came to be so."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.api import ClauseReference, User, clauses, signed_in
from courses.exams import bank as verbs
from courses.exams.answers import AnswerRefused, read_answer
from courses.exams.bank import BankRefusal
from courses.exams.differing import Difference, differences
from courses.exams.drawing import option_order
from courses.exams.explaining import key_lines
from courses.exams.parameters import fill
from courses.exams.posting import PlacesMissing, read_posted
from courses.exams.scoring import Score, score
from courses.exams.shapes import Question
from courses.exams.showing import block, line
from courses.exams.showing import show as shown_as
from courses.models import BankQuestion, QuestionEvent, QuestionKind, QuestionVersion, VersionState
from courses.views.banks import STATUS_OF, bank_crumb, bank_or_refusal, banks_crumb
from courses.views.reading import Crumb
from courses.writing.kinds import question_form

LONGEST_SEED = 32


@dataclass(frozen=True)
class Tried:
    """What an answer that was tried is worth, and why."""

    problem: str = ""
    score: Score | None = None
    percent: int = 0
    earned: str = ""
    feedback: tuple[str, ...] = ()
    explanation: str = ""


def question_or_refusal(
    request: HttpRequest, bank_slug: str, code: str, permission: str = "courses.read_questions"
) -> BankQuestion:
    """Raises Http404, PermissionDenied."""
    bank = bank_or_refusal(request, bank_slug, permission)
    question = get_object_or_404(BankQuestion, bank=bank, code=code)
    question.bank = bank
    return question


def version_of(question: BankQuestion, told: str | None) -> QuestionVersion:
    """The version of that number, else the newest. Raises Http404."""
    versions = question.versions.select_related("author", "reviewer")
    if told:
        found = versions.filter(number=int(told)).first() if told.isdecimal() and len(told) < 9 else None
        if found is None:
            raise Http404
    else:
        found = versions.latest("number")
    found.question = question
    return found


def language() -> str:
    return get_language() or "zh-hans"


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, bank_slug: str, code: str) -> HttpResponse:
    """The question as candidates will see it; an answer sent to it is scored and not kept."""
    question = question_or_refusal(request, bank_slug, code)
    version = version_of(question, request.GET.get("version"))
    seed = (request.POST.get("seed") or request.GET.get("seed") or "1")[:LONGEST_SEED]
    asked = fill(version.asked, seed)
    given, tried = tried_out(asked, request, version.marks) if request.method == "POST" else (None, None)
    person = signed_in(request)
    last = version.number == question.versions.latest("number").number
    return render(
        request,
        "courses/banks/question.html",
        {
            **told(question, version, asked, seed, given),
            "tried": tried,
            "next_seed": secrets.token_hex(4),
            "is_last": last,
            "may_write": last and request.user.has_perm("courses.write_questions", question.bank),
            "may_review": may_review(person, version),
            "wrote_it": version.state == VersionState.IN_REVIEW and verbs.wrote(version, person),
            "alike": verbs.alike(question.bank, version.asked, question) if version.is_open else [],
            "clause_links": clauses(
                [ClauseReference.parse(text) for text in version.clause_list], language()
            ),
            "breadcrumbs": [banks_crumb(), bank_crumb(question.bank), Crumb(question.code)],
        },
    )


def told(
    question: BankQuestion, version: QuestionVersion, asked: Question, seed: str = "1", given: Any = None
) -> dict[str, Any]:
    """What every page of a question shows of it."""
    return {
        "bank": question.bank,
        "question": question,
        "seen": version,
        "status": STATUS_OF[VersionState(version.state)],
        "kind": QuestionKind(version.kind).label,
        "seed": seed,
        "has_parameters": bool(version.content.get("parameters")),
        "shown": shown_as(asked, language(), order=option_order(asked, seed), given=given),
        "key_lines": key_lines(asked, language()),
        "explanation": block(asked.explanation, language()) if asked.explanation else "",
    }


def may_review(person: User, version: QuestionVersion) -> bool:
    return (
        version.state == VersionState.IN_REVIEW
        and person.has_perm("courses.review_questions", version.question.bank)
        and not verbs.wrote(version, person)
    )


def tried_out(asked: Question, request: HttpRequest, marks: Decimal) -> tuple[dict[str, Any] | None, Tried]:
    """The answer in the request and what it is worth."""
    try:
        given = read_posted(asked, request.POST)
    except PlacesMissing:
        return None, Tried(problem=_("Give every item a place of its own, then try again."))
    try:
        answer = read_answer(asked, given)
    except AnswerRefused:
        return None, Tried(problem=_("This answer does not fit the question."))
    if answer is None:
        return None, Tried(problem=_("Answer first, then see what your answer is worth."))
    found = score(asked, answer)
    chosen = {given.get("choice"), *given.get("choices", ())} if given else set()
    options = [one for one in getattr(asked, "options", ()) if one.id in chosen and one.feedback]
    return given, Tried(
        score=found,
        percent=int(found.fraction * 100) if found.fraction is not None else 0,
        earned="" if found.fraction is None else str(found.fraction * Fraction(marks)),
        feedback=tuple(line(one.feedback, language()) for one in options),
        explanation=block(asked.explanation, language()) if asked.explanation else "",
    )


# --- writing ---


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, bank_slug: str) -> HttpResponse:
    """A new question of the kind that the address names; without one, the kinds to choose from."""
    bank = bank_or_refusal(request, bank_slug, "courses.write_questions")
    kind = request.GET.get("kind", "")
    context = {
        "bank": bank,
        "title": _("Write a question"),
        "cancel": reverse("courses:bank", args=[bank.slug]),
        "breadcrumbs": [banks_crumb(), bank_crumb(bank), Crumb(_("Write a question"))],
    }
    if kind not in QuestionKind.values:
        return render(request, "courses/banks/kinds.html", {**context, "kinds": QuestionKind.choices})
    form = question_form(request.POST if request.method == "POST" else None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            code = form.cleaned_data["code"]
            verbs.create(bank, signed_in(request), code, form.written)
        except verbs.Unsound as refusal:
            form.add_error(refusal.where, str(refusal))
        except BankRefusal as refusal:
            form.add_error("code", str(refusal))
        else:
            messages.success(request, _("The draft is kept. Try it, then hand it in for review."))
            return redirect("courses:question", bank.slug, code)
    context |= {"form": form, "kind": QuestionKind(kind).label, "submit": _("Keep the draft")}
    return render(request, "courses/banks/form.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, bank_slug: str, code: str) -> HttpResponse:
    """The draft, or the next version of what is decided."""
    question = question_or_refusal(request, bank_slug, code, "courses.write_questions")
    version = version_of(question, None)
    data = request.POST if request.method == "POST" else None
    form = question_form(data, kind=version.kind, version=version)
    if request.method == "POST" and form.is_valid():
        try:
            kept = verbs.revise(question, signed_in(request), form.written)
        except BankRefusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Version %(number)d is kept as a draft.") % {"number": kept.number})
            return redirect("courses:question", bank_slug, code)
    return render(
        request,
        "courses/banks/form.html",
        {
            "bank": question.bank,
            "form": form,
            "title": _("Change %(code)s") % {"code": question.code},
            "kind": QuestionKind(version.kind).label,
            "note": ""
            if version.state == VersionState.DRAFT
            else _("What is decided stays as it is; your changes become the next version."),
            "submit": _("Keep the draft"),
            "cancel": reverse("courses:question", args=[bank_slug, code]),
            "breadcrumbs": [
                banks_crumb(),
                bank_crumb(question.bank),
                Crumb(question.code, reverse("courses:question", args=[bank_slug, code])),
                Crumb(_("Change")),
            ],
        },
    )


# --- review ---


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, bank_slug: str, code: str) -> HttpResponse:
    """What a reviewer needs to decide, and the two decisions."""
    question = question_or_refusal(request, bank_slug, code, "courses.review_questions")
    version = version_of(question, None)
    person = signed_in(request)
    problem = ""
    if request.method == "POST":
        if request.POST.get("seen") != version.content_hash:
            problem = str(verbs.MovedMeanwhile.message)
        else:
            decide = verbs.approve if request.POST.get("decision") == "approve" else verbs.refuse
            problem = refusal_of(decide, version, person, request.POST.get("words", ""))
        if not problem:
            messages.success(request, _("Your decision is kept."))
            return redirect("courses:question", bank_slug, code)
    elif not may_review(person, version):
        messages.info(request, _("There is nothing for you to review here now."))
        return redirect("courses:question", bank_slug, code)
    asked = fill(version.asked, "1")
    before = question.versions.approved().filter(number__lt=version.number).order_by("-number").first()
    return render(
        request,
        "courses/banks/review.html",
        {
            **told(question, version, asked),
            "problem": problem,
            "words": request.POST.get("words", ""),
            "before": before,
            "differences": changes(before, version) if before else [],
            "alike": verbs.alike(question.bank, version.asked, question),
            "breadcrumbs": [
                banks_crumb(),
                bank_crumb(question.bank),
                Crumb(question.code, reverse("courses:question", args=[bank_slug, code])),
                Crumb(_("Review")),
            ],
        },
    )


def refusal_of(verb: Callable[..., object], *arguments: object) -> str:
    """Why ``verb`` refused; empty when it did what was asked."""
    try:
        verb(*arguments)
    except BankRefusal as refusal:
        return str(refusal)
    return ""


@login_required
@require_POST
def act(request: HttpRequest, bank_slug: str, code: str, deed: str) -> HttpResponse:
    """Hand in, take back, retire or restore, each by one button."""
    question = question_or_refusal(request, bank_slug, code)
    person = signed_in(request)
    version = version_of(question, None)
    if deed == "submit":
        problem = refusal_of(verbs.submit, version, person)
    elif deed == "take-back":
        problem = refusal_of(verbs.take_back, version, person)
    elif deed == "retire":
        problem = refusal_of(verbs.retire, question, person, request.POST.get("words", ""))
    elif deed == "restore":
        problem = refusal_of(verbs.restore, question, person)
    else:
        raise Http404
    if problem:
        messages.error(request, problem)
    else:
        messages.success(request, _("Done and written down."))
    return redirect("courses:question", bank_slug, code)


# --- history ---


@dataclass(frozen=True)
class Entry:
    version: QuestionVersion
    status: str
    events: list[QuestionEvent]
    differences: list[Difference]


@login_required
@require_safe
def history(request: HttpRequest, bank_slug: str, code: str) -> HttpResponse:
    """Every version with what happened to it and what it changed; the newest first."""
    question = question_or_refusal(request, bank_slug, code)
    versions = list(question.versions.select_related("author", "reviewer").order_by("number"))
    events = list(question.events.select_related("actor"))
    entries = [
        Entry(
            version,
            STATUS_OF[VersionState(version.state)],
            [event for event in events if event.version_id == version.pk],
            changes(versions[place - 1], version) if place else [],
        )
        for place, version in enumerate(versions)
    ]
    return render(
        request,
        "courses/banks/history.html",
        {
            "bank": question.bank,
            "question": question,
            "entries": entries[::-1],
            "others": [event for event in events if event.version_id is None],
            "breadcrumbs": [
                banks_crumb(),
                bank_crumb(question.bank),
                Crumb(question.code, reverse("courses:question", args=[bank_slug, code])),
                Crumb(_("History")),
            ],
        },
    )


def changes(before: QuestionVersion, after: QuestionVersion) -> list[Difference]:
    return differences(saying(before), saying(after))


def saying(version: QuestionVersion) -> dict[str, Any]:
    return {
        **version.content,
        "marks": version.marks,
        "difficulty": version.difficulty,
        "tags": version.tag_list,
        "objectives": version.objective_list,
        "clauses": version.clause_list,
    }
