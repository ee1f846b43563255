"""How much an organisation will pay: warnings on the way, a refusal and an end with notice when it is used up."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Model, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from community.api import User, organisation_of
from labs import notices
from labs.lifecycle import State
from labs.metering.rates import Book, cost_between, money
from labs.models import AllowanceWarning, Budget, BudgetWarning, Lab, Meter, Sandbox, UsageEntry
from labs.models.prices import month_of
from labs.refusals import BudgetUsedUp

SHARES = (50, 80, 100)
USED_UP = 100
RUNNING = (State.READY, State.SUSPENDED)


@dataclass
class Due:
    """What a look at the budgets found to be done: sandboxes to stop, warnings to mail."""

    stop: list[int] = field(default_factory=list)
    mail: list[int] = field(default_factory=list)


def ensure_budget(learner: Model, lab: Lab) -> None:
    """Raises BudgetUsedUp when the month's budget for ``learner`` is used up.

    One query where there is none, two where there are others'.
    """
    stopping = Budget.objects.current().filter(stops=True)
    payers = set(stopping.order_by().values_list("organisation_id", flat=True))
    payer = organisation_of(learner) if payers else None
    if payer not in payers:
        return
    covering = stopping.filter(organisation=payer).covering(learner.pk).distinct()
    for budget in covering.select_related("organisation"):
        if spent(budget) >= budget.amount:
            raise BudgetUsedUp(
                _("The budget for labs is used up: %(amount)s for this month have been spent.")
                % {"amount": money(Fraction(budget.amount), budget.currency)},
                _("Ask those responsible in %(organisation)s for more, or come back next month.")
                % {"organisation": budget.organisation.name},
            )


def period(now: datetime) -> tuple[datetime, datetime]:
    """The calendar month around ``now``, where the installation is."""
    start = timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, (start + timedelta(days=32)).replace(day=1)


def spent(budget: Budget, now: datetime | None = None) -> Fraction:
    """What the budget's circle has cost in the month around ``now``."""
    start, end = period(now or timezone.now())
    return cost_between(budget.organisation_id, circle(budget), start, end, budget.currency)


def circle(budget: Budget) -> Q:
    """Whose use the budget counts."""
    if budget.learner_id is not None:
        return Q(learner_id=budget.learner_id)
    if budget.group_id is not None:
        return Q(learner_id__in=User.objects.filter(groups=budget.group_id).values("pk"))
    return Q()


def cost_of_learner(learner_id: int, now: datetime) -> dict[str, Fraction]:
    """What the person's use in the month around ``now`` comes to, by currency, whoever pays."""
    start, end = period(now)
    rows = UsageEntry.objects.filter(learner_id=learner_id).begun_in(start, end).order_by()
    payers = set(rows.values_list("organisation", flat=True).distinct())
    payers |= set(Meter.objects.running().filter(learner=learner_id).values_list("organisation", flat=True))
    totals: dict[str, Fraction] = {}
    for currency in {card.currency for card in Book.of(payers).cards}:
        amounts = [cost_between(pk, Q(learner_id=learner_id), start, end, currency) for pk in payers]
        if any(amounts):
            totals[currency] = sum(amounts, Fraction(0))
    return totals


def watch() -> Due:
    """Shares reached are noted once a month each, and what runs beyond a used-up budget's grace is due to stop."""
    now = timezone.now()
    month = month_of(now)
    due = Due()
    for budget in Budget.objects.current():
        amount = Fraction(budget.amount)
        used = spent(budget, now)
        reached = [share for share in SHARES if used * 100 >= amount * share]
        known = {w.percent: w for w in BudgetWarning.objects.filter(budget=budget, month=month)}
        for share in reached:
            if share not in known:
                known[share], new = BudgetWarning.objects.get_or_create(
                    budget=budget, month=month, percent=share
                )
                if new and share == USED_UP and budget.stops:
                    _tell_running(budget)
        if budget.stops and USED_UP in reached and now >= ends_at(known[USED_UP]):
            due.stop += _running(budget).values_list("pk", flat=True)
    due.mail += BudgetWarning.objects.filter(month=month, mailed_at=None).values_list("pk", flat=True)
    return due


def ends_at(warning: BudgetWarning | AllowanceWarning) -> datetime:
    """When what runs on a used-up budget or allowance is stopped."""
    return warning.at + timedelta(seconds=settings.LABS_BUDGET_GRACE_SECONDS)


def _running(budget: Budget) -> QuerySet[Sandbox]:
    paid = Meter.objects.running().filter(circle(budget), organisation=budget.organisation_id)
    return Sandbox.objects.filter(
        state__in=RUNNING, pk__in=paid.filter(learner__isnull=False).values("sandbox")
    )


def _tell_running(budget: Budget) -> None:
    for session in _running(budget).values_list("session", flat=True):
        notices.session_changed(session)


def ending(sandbox: Sandbox) -> datetime | None:
    """When the sandbox is stopped for a used-up budget; None while there is nothing of the kind. One query."""
    organisation = Meter.objects.filter(sandbox=sandbox).values("organisation")[:1]
    warnings = BudgetWarning.objects.filter(
        month=month_of(timezone.now()),
        percent=USED_UP,
        budget__stops=True,
        budget__ended_at=None,
        budget__organisation=Subquery(organisation),
    ).select_related("budget")
    learner = sandbox.session.learner_id if sandbox.session else None
    for warning in warnings.filter(
        Q(budget__learner=None, budget__group=None)
        | Q(budget__learner=learner)
        | Q(budget__group__user=learner)
    ):
        if spent(warning.budget) >= warning.budget.amount:
            return ends_at(warning)
    return None


def mail_warning(warning_id: int) -> None:
    """Those responsible have been told of the warning by mail, in both languages; repeating sends nothing."""
    claimed = BudgetWarning.objects.filter(pk=warning_id, mailed_at=None).update(mailed_at=timezone.now())
    if not claimed:
        return
    warning = BudgetWarning.objects.select_related("budget__organisation", "budget__learner").get(
        pk=warning_id
    )
    addresses = [one.email for one in warning.budget.organisation.responsible if one.email]
    subjects, texts = zip(*(_letter(warning, language) for language in ("zh-hans", "en")), strict=True)
    try:
        for address in addresses:
            send_mail(" / ".join(subjects), "\n\n----\n\n".join(texts), None, [address])
    except OSError:
        # The next look finds it unsaid again; better a second letter to one than none to another.
        BudgetWarning.objects.filter(pk=warning_id).update(mailed_at=None)
        raise


def _letter(warning: BudgetWarning, language: str) -> tuple[str, str]:
    budget = warning.budget
    with override(language):
        words = {
            "organisation": budget.organisation.name,
            "percent": warning.percent,
            "amount": money(Fraction(budget.amount), budget.currency),
            "month": f"{warning.month:%Y-%m}",
            "circle": circle_in_words(budget),
            "link": settings.PUBLIC_URL + reverse("labs:budgets", args=[budget.organisation.slug]),
        }
        subject = _("Labs of %(organisation)s: %(percent)d %% of the budget is used") % words
        text = _(
            "%(percent)d %% of the budget of %(organisation)s for labs (%(circle)s, %(amount)s for %(month)s) is used."
        )
        what = _("You can see and change the budget here: %(link)s")
        stop = ""
        if budget.stops and warning.percent >= USED_UP:
            stop = _(
                "No lab starts on it any more this month; those that run are told and end after a time of grace."
            )
        elif budget.stops:
            stop = _("When it is used up, no lab starts on it any more this month, and those that run end.")
        return subject, "\n\n".join(part for part in (text % words, stop, what % words) if part)


def circle_in_words(budget: Budget) -> str:
    """Whose use the budget counts, in the language in use."""
    if budget.learner is not None:
        return str(budget.learner)
    if budget.group is not None:
        return _("group %(name)s") % {"name": budget.group.name}
    return _("everybody")
