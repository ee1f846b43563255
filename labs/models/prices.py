"""Prices, how much may be spent, and what a month came to."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

CURRENCY = "CNY"


def _rate(label: Any) -> models.DecimalField:
    return models.DecimalField(
        label, max_digits=12, decimal_places=6, default=Decimal(0), validators=[MinValueValidator(0)]
    )


class RateCard(models.Model):
    """One version of the prices of an organisation, or with none of the installation; rows are only ever added.

    A card is valid until the next version of the same scope; amounts are exact decimals of ``currency``.
    """

    organisation = models.ForeignKey(
        "community.Organisation",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("organisation"),
        help_text=_("Empty: the prices of this installation, for everybody without prices of their own."),
    )
    version = models.PositiveIntegerField(_("version"), editable=False)
    valid_from = models.DateTimeField(_("valid from"), default=timezone.now)
    currency = models.CharField(_("currency"), max_length=3, default=CURRENCY)
    cpu_hour = _rate(_("per hour of a processor held"))
    gib_hour = _rate(_("per hour of a GiB of memory held"))
    used_cpu_hour = _rate(_("per hour of processor time used"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("rate card")
        verbose_name_plural = _("rate cards")
        ordering = ("-valid_from", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "version"], name="rate_card_versions_are_unique_in_an_organisation"
            ),
            models.UniqueConstraint(
                fields=["version"],
                condition=models.Q(organisation=None),
                name="rate_card_versions_are_unique_in_the_installation",
            ),
            models.CheckConstraint(
                condition=models.Q(cpu_hour__gte=0, gib_hour__gte=0, used_cpu_hour__gte=0),
                name="no_price_is_below_zero",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.version} {self.currency}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.version is None:
            same = RateCard.objects.filter(organisation_id=self.organisation_id)
            self.version = (same.aggregate(last=models.Max("version"))["last"] or 0) + 1
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """A version is written once and prices nothing that is already used."""
        if self.pk is not None:
            raise ValidationError(_("A rate card stays as it was written. Add a new version instead."))
        if self.valid_from and self.valid_from < timezone.now().replace(second=0, microsecond=0):
            raise ValidationError({"valid_from": _("A new version cannot price what is already used.")})
        if len(self.currency) != 3 or not self.currency.isascii() or not self.currency.isupper():
            raise ValidationError({"currency": _("Three capital letters, such as CNY.")})


class BudgetQuerySet(models.QuerySet["Budget"]):
    def current(self) -> Self:
        return self.filter(ended_at=None)

    def covering(self, learner_id: int) -> Self:
        """Those of any organisation that would count what this learner uses."""
        return self.filter(
            models.Q(learner=None, group=None)
            | models.Q(learner_id=learner_id)
            | models.Q(group__user=learner_id)
        )


class Budget(models.Model):
    """What an organisation will pay in a calendar month: for all, for one of its learners, or for a group of them."""

    organisation = models.ForeignKey(
        "community.Organisation", on_delete=models.CASCADE, related_name="+", verbose_name=_("organisation")
    )
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("person"),
    )
    group = models.ForeignKey(
        "auth.Group",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("group"),
    )
    currency = models.CharField(_("currency"), max_length=3, default=CURRENCY)
    amount = models.DecimalField(
        _("amount per month"),
        max_digits=12,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01"))],
    )
    stops = models.BooleanField(
        _("stop labs when it is used up"),
        default=True,
        help_text=_("No lab starts any more, and running ones end after a time of grace."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = BudgetQuerySet.as_manager()

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(learner=None) | models.Q(group=None), name="a_budget_is_for_one_circle"
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="a_budget_is_more_than_nothing"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class BudgetWarning(models.Model):
    """That a budget's use reached ``percent`` in the month of ``month``: said once, to those responsible."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="warnings")
    month = models.DateField()
    percent = models.PositiveSmallIntegerField()
    at = models.DateTimeField(default=timezone.now)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["budget", "month", "percent"], name="a_budget_warns_once_a_month_of_each_share"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.budget_id} {self.month:%Y-%m} {self.percent} %"


class Statement(models.Model):
    """What a month came to for an organisation, or for one person; never changed once issued.

    ``ledger_digest`` covers the ledger's entries it was worked out from, ``entries`` is how many they were.
    """

    number = models.CharField(max_length=80, unique=True)
    organisation = models.ForeignKey(
        "community.Organisation",
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    payer_name = models.CharField(max_length=200)
    month = models.DateField()
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    entries = models.PositiveIntegerField()
    ledger_digest = models.CharField(max_length=64)
    issued_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("statement")
        verbose_name_plural = _("statements")
        ordering = ("-month", "number")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(organisation=None, learner__isnull=False)
                | models.Q(organisation__isnull=False, learner=None),
                name="a_statement_is_for_an_organisation_or_a_person",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class StatementLine(models.Model):
    """What one person's use of one lab came to under one rate card, rounded once to the hundredth."""

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="lines")
    learner_name = models.CharField(max_length=200)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    lab = models.CharField(max_length=60, blank=True)
    rate_card = models.ForeignKey(RateCard, on_delete=models.PROTECT, related_name="+")
    millicpu_us = models.BigIntegerField()
    mib_us = models.BigIntegerField()
    cpu_ns = models.BigIntegerField()
    amount_minor = models.BigIntegerField()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.statement_id} {self.learner_name} {self.lab}"


def month_of(moment: datetime) -> date:
    """The first day of the calendar month, where the installation is."""
    return timezone.localtime(moment).date().replace(day=1)
