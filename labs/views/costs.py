"""What labs cost: one's own month, statements to keep, and the budgets of an organisation."""

from fractions import Fraction
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.api import Organisation, User, signed_in
from labs import costs, printing
from labs.forms import BudgetForm
from labs.metering import budgets, statements
from labs.models import Budget, Statement

PER_PAGE = 20

private = cache_control(private=True, no_store=True)


@require_safe
@login_required
@private
def overview(request: HttpRequest) -> HttpResponse:
    """The month so far, and the statements this person may see, newest first."""
    person = signed_in(request)
    words = request.GET.get("q", "").strip()[:200]
    found = statements.matching(statements.visible_to(person), words)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "labs/costs.html",
        {
            **costs.month_facts(person),
            "organisations": costs.organisations_answered_for(person),
            "page": page,
            "rows": [costs.statement_row(one) for one in page.object_list],
            "query": words,
            "kept_query": urlencode({"q": words}) if words else "",
        },
    )


@require_safe
@login_required
@private
def statement(request: HttpRequest, number: str) -> HttpResponse:
    found = _visible(signed_in(request), number)
    return render(
        request,
        "labs/statement.html",
        {
            **costs.statement_facts(found),
            "breadcrumbs": [
                {"title": _("Use and cost"), "url": reverse("labs:costs")},
                {"title": found.number},
            ],
        },
    )


@require_safe
@login_required
@private
def statement_csv(request: HttpRequest, number: str) -> HttpResponse:
    found = _visible(signed_in(request), number)
    return _file(costs.statement_csv(found), "text/csv; charset=utf-8", f"{found.number}.csv")


@require_safe
@login_required
@private
def statement_pdf(request: HttpRequest, number: str) -> HttpResponse:
    found = _visible(signed_in(request), number)
    return _file(printing.pdf(found), "application/pdf", f"{found.number}.pdf")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def budgets_of(request: HttpRequest, slug: str) -> HttpResponse:
    """The organisation's budgets with what is spent of each, and a form for another."""
    organisation = _answered_for(signed_in(request), slug)
    form = BudgetForm(request.POST or None, organisation=organisation)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("The budget is set."))
        return redirect("labs:budgets", slug)
    context = {
        "organisation": organisation,
        "budgets": [_budget_row(budget) for budget in _budgets(organisation)],
        "form": form,
        "month": timezone.localdate().replace(day=1),
        "breadcrumbs": [
            {"title": _("Use and cost"), "url": reverse("labs:costs")},
            {"title": organisation.name},
        ],
    }
    return render(request, "labs/budgets.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def end_budget(request: HttpRequest, slug: str, budget_id: int) -> HttpResponse:
    """The budget limits nothing any more; repeating changes nothing."""
    organisation = _answered_for(signed_in(request), slug)
    ended = Budget.objects.current().filter(organisation=organisation, pk=budget_id)
    if ended.update(ended_at=timezone.now()):
        messages.success(request, _("The budget is removed."))
    return redirect("labs:budgets", slug)


def _visible(person: User, number: str) -> Statement:
    return get_object_or_404(statements.visible_to(person), number=number)


def _answered_for(person: User, slug: str) -> Organisation:
    organisation = get_object_or_404(Organisation, slug=slug)
    if not person.has_perm("labs.set_budgets", organisation):
        raise PermissionDenied
    return organisation


def _budgets(organisation: Organisation) -> list[Budget]:
    found = Budget.objects.current().filter(organisation=organisation)
    return list(found.select_related("learner", "group"))


def _budget_row(budget: Budget) -> dict[str, object]:
    spent = budgets.spent(budget)
    amount = Fraction(budget.amount)
    percent = int(spent * 100 / amount)
    return {
        "budget": budget,
        "circle": budgets.circle_in_words(budget),
        "amount": costs.money(amount, budget.currency),
        "spent": costs.money(spent, budget.currency),
        "percent": percent,
        "shown": min(percent, 100),
        "kind": "bad" if percent >= 100 else "warn" if percent >= 80 else "good",
    }


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(
        content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
