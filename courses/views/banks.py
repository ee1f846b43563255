"""Question banks: the list of them, one bank's questions, and its people."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from community.api import Organisation, User, is_operator, signed_in
from courses.exams import bank as verbs
from courses.exams.shapes import Text
from courses.exams.showing import GAP, plain
from courses.models import BankRole, QuestionBank, QuestionKind, QuestionVersion, VersionState
from courses.models.questions import QuestionVersionQuerySet, responsible_in
from courses.views.reading import Crumb
from courses.writing.banks import BankForm, MemberForm, QuestionFilter

QUESTIONS_PER_PAGE = 25
STATUS_OF = {
    VersionState.DRAFT: "neutral",
    VersionState.IN_REVIEW: "busy",
    VersionState.APPROVED: "good",
    VersionState.REFUSED: "bad",
}


@dataclass(frozen=True)
class Row:
    """A question in a list, by its newest version."""

    version: QuestionVersion
    title: str
    status: str


def banks_crumb() -> Crumb:
    return Crumb(_("Question banks"), reverse("courses:banks"))


def bank_crumb(bank: QuestionBank) -> Crumb:
    return Crumb(bank.name, reverse("courses:bank", args=[bank.slug]))


def bank_or_refusal(request: HttpRequest, bank_slug: str, permission: str) -> QuestionBank:
    """The bank, when the person has ``permission`` for it. Raises Http404, PermissionDenied."""
    bank = get_object_or_404(QuestionBank.objects.select_related("organisation"), slug=bank_slug)
    if not request.user.has_perm(permission, bank):
        raise PermissionDenied
    return bank


def organisations_of(person: User) -> "QuerySet[Organisation]":
    """The organisations for which ``person`` may open a bank."""
    if is_operator(person):
        return Organisation.objects.all()
    return Organisation.objects.filter(pk__in=responsible_in(person))


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The banks that the person reads, and those whose people an operator sees to."""
    person = signed_in(request)
    counted = QuestionBank.objects.select_related("organisation").annotate(
        in_use=Count("questions", filter=Q(questions__retired_at=None))
    )
    read = list(counted.filter(pk__in=QuestionBank.objects.read_by(person).values("pk")))
    others = counted.exclude(pk__in=[bank.pk for bank in read]) if is_operator(person) else []
    return render(
        request,
        "courses/banks/index.html",
        {
            "banks": read,
            "others": list(others),
            "may_open": organisations_of(person).exists(),
            "breadcrumbs": [Crumb(_("Question banks"))],
        },
    )


@login_required
@require_http_methods(["GET", "POST"])
def open_bank(request: HttpRequest) -> HttpResponse:
    """A new bank, for whoever answers for an organisation."""
    person = signed_in(request)
    organisations = organisations_of(person)
    if not organisations.exists():
        raise PermissionDenied
    form = BankForm(request.POST or None, organisations=organisations)
    if request.method == "POST" and form.is_valid():
        bank = verbs.open_bank(**form.cleaned_data)
        messages.success(request, _("The bank is open. Name its authors and reviewers now."))
        return redirect("courses:bank_people", bank.slug)
    return render(
        request,
        "courses/banks/form.html",
        {
            "form": form,
            "title": _("Open a question bank"),
            "submit": _("Open the bank"),
            "cancel": reverse("courses:banks"),
            "breadcrumbs": [banks_crumb(), Crumb(_("Open a question bank"))],
        },
    )


@login_required
@require_safe
def show(request: HttpRequest, bank_slug: str) -> HttpResponse:
    """The bank's questions, each by its newest version; a fixed number of queries however many there are."""
    bank = bank_or_refusal(request, bank_slug, "courses.read_questions")
    form = QuestionFilter(request.GET)
    wish = form.wish
    approved = QuestionVersion.objects.approved().filter(question_id=OuterRef("question_id"))
    versions = filtered(QuestionVersion.objects.newest().filter(question__bank=bank), wish)
    versions = versions.annotate(has_approved=Exists(approved)).select_related("question", "author")
    listed = Paginator(versions.order_by("question__code"), QUESTIONS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    rows = [Row(version, title_of(version), STATUS_OF[VersionState(version.state)]) for version in listed]
    kept = {name: value for name, value in wish.items() if value}
    return render(
        request,
        "courses/banks/bank.html",
        {
            "bank": bank,
            "rows": rows,
            "listed": listed,
            "form": form,
            "asked": bool(kept),
            "kept": urlencode(kept),
            "may_write": request.user.has_perm("courses.write_questions", bank),
            "may_run": request.user.has_perm("courses.run_bank", bank),
            "kinds": QuestionKind.choices,
            "breadcrumbs": [banks_crumb(), Crumb(bank.name)],
        },
    )


def filtered(versions: QuestionVersionQuerySet, wish: dict[str, str]) -> QuestionVersionQuerySet:
    """Those of ``versions`` that were asked for."""
    if wish["q"]:
        versions = versions.matching(wish["q"])
    if wish["kind"]:
        versions = versions.filter(kind=wish["kind"])
    if wish["state"] == "retired":
        versions = versions.exclude(question__retired_at=None)
    else:
        versions = versions.filter(question__retired_at=None)
        if wish["state"]:
            versions = versions.filter(state=wish["state"])
    if wish["tag"]:
        versions = versions.tagged(wish["tag"])
    if wish["clause"]:
        versions = versions.on_clause(wish["clause"])
    if wish["lacks"] == "zh":
        versions = versions.filter(in_chinese=False)
    if wish["lacks"] == "en":
        versions = versions.filter(in_english=False)
    return versions


def title_of(version: QuestionVersion) -> str:
    """The beginning of the stem, as one line."""
    stem = plain(Text.model_validate(version.content["stem"]), get_language() or "")
    told = GAP.sub("____", stem)
    return told if len(told) <= 120 else f"{told[:119]}…"


@login_required
@require_http_methods(["GET", "POST"])
def people(request: HttpRequest, bank_slug: str) -> HttpResponse:
    """Who writes and reviews in the bank; whoever runs it lets people in and takes them out."""
    bank = bank_or_refusal(request, bank_slug, "courses.run_bank")
    person = signed_in(request)
    form = MemberForm(request.POST if "let_in" in request.POST else None)
    if request.method == "POST":
        if "take_out" in request.POST:
            member = get_object_or_404(bank.members.current(), pk=_id_of(request.POST["take_out"]))
            verbs.take_out(member)
            messages.success(request, _("Taken out. What they wrote and reviewed stays theirs."))
            return redirect("courses:bank_people", bank.slug)
        if form.is_valid():
            verbs.let_in(bank, form.cleaned_data["person"], BankRole(form.cleaned_data["role"]), person)
            messages.success(request, _("They may begin now."))
            return redirect("courses:bank_people", bank.slug)
    return render(
        request,
        "courses/banks/people.html",
        {
            "bank": bank,
            "members": bank.members.current().select_related("person").order_by("role", "person__username"),
            "form": form,
            "breadcrumbs": [banks_crumb(), bank_crumb(bank), Crumb(_("People"))],
        },
    )


def _id_of(told: str) -> int:
    return int(told) if told.isdecimal() and len(told) < 19 else 0
