"""How much of what the house can give is whose."""

from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Period(models.TextChoices):
    """How often an amount is given anew: at midnight, on Mondays or on the first, where the installation is."""

    DAY = "day", _("daily")
    WEEK = "week", _("weekly")
    MONTH = "month", _("monthly")


class Kind(models.TextChoices):
    """What an allowance limits."""

    SANDBOXES = "sandboxes", _("Labs open at once")
    CPU = "cpu", _("Processor time")
    MEMORY = "memory", _("Memory over time")


class AllowanceQuerySet(models.QuerySet["Allowance"]):
    def limiting(self) -> Self:
        """Those that limit anything."""
        return self.exclude(sandboxes=None, cpu_seconds=None, mib_seconds=None)

    def giving_amounts(self) -> Self:
        """Those that limit processors or memory over time."""
        return self.exclude(cpu_seconds=None, mib_seconds=None)

    def concerning(self, learner_ids: Iterable[int]) -> Self:
        """Without those of other people."""
        return self.filter(Q(learner=None) | Q(learner__in=list(learner_ids)))


class Allowance(models.Model):
    """What an organisation, a class or a learner may have; with none of them, what every learner may.

    An organisation's and a class's are shared by its people; a learner's own figures stand in for those of everybody.
    ``weight`` is what an organisation's turn in the queue counts for.
    """

    organisation = models.OneToOneField(
        "community.Organisation",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="lab_allowance",
        verbose_name=_("organisation"),
    )
    taught_class = models.OneToOneField(
        "labs.TaughtClass",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="allowance",
        verbose_name=_("class"),
    )
    learner = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="lab_allowance",
        verbose_name=_("learner"),
    )
    weight = models.PositiveSmallIntegerField(
        _("weight in the queue"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("An organisation of weight 2 gets twice the share of one of weight 1."),
    )
    sandboxes = models.PositiveIntegerField(
        _("labs open at once"),
        null=True,
        blank=True,
        help_text=_("Those that wait in the queue count. Empty: no limit of its own."),
    )
    cpu_seconds = models.PositiveBigIntegerField(
        _("processor seconds per period"),
        null=True,
        blank=True,
        help_text=_("What machines hold while they are not frozen; an hour of one processor is 3600."),
    )
    mib_seconds = models.PositiveBigIntegerField(
        _("MiB-seconds of memory per period"),
        null=True,
        blank=True,
        help_text=_("What machines hold, frozen ones included; an hour of one GiB is 3686400."),
    )
    period = models.CharField(_("period"), max_length=10, choices=Period.choices, default=Period.MONTH)

    objects = AllowanceQuerySet.as_manager()

    class Meta:
        verbose_name = _("allowance")
        verbose_name_plural = _("allowances")
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(condition=Q(weight__gte=1), name="an_organisation_weighs_at_least_one"),
            models.CheckConstraint(
                condition=Q(organisation=None, taught_class=None)
                | Q(organisation=None, learner=None)
                | Q(taught_class=None, learner=None),
                name="an_allowance_is_for_one_circle",
            ),
            models.CheckConstraint(
                condition=Q(organisation__isnull=False) | Q(weight=1), name="only_an_organisation_weighs"
            ),
            # The weight is the same in all that are for everybody, so there can be one of them.
            models.UniqueConstraint(
                fields=["weight"],
                condition=Q(organisation=None, taught_class=None, learner=None),
                name="one_allowance_is_for_everybody",
            ),
            models.CheckConstraint(
                condition=Q(period__in=Period.values), name="an_allowance_renews_daily_weekly_or_monthly"
            ),
        ]

    def __str__(self) -> str:
        return str(self.organisation or self.taught_class or self.learner or _("every learner"))

    def clean(self) -> None:
        """It is for one circle, and the one for everybody is one."""
        circles = [self.organisation_id, self.taught_class_id, self.learner_id]
        if sum(one is not None for one in circles) > 1:
            raise ValidationError(_("Choose an organisation, a class or a learner, only one of them."))
        everybodys = Allowance.objects.filter(organisation=None, taught_class=None, learner=None)
        if not any(circles) and everybodys.exclude(pk=self.pk).exists():
            raise ValidationError(_("There is an allowance for every learner already; change that one."))
        if self.organisation_id is None and self.weight != 1:
            raise ValidationError(
                {"weight": _("Only organisations have a weight in the queue; leave it at 1.")}
            )

    def most(self, kind: str) -> int | None:
        """The limit, in labs or in seconds; None where it sets none."""
        figures = {Kind.SANDBOXES: self.sandboxes, Kind.CPU: self.cpu_seconds, Kind.MEMORY: self.mib_seconds}
        return figures[Kind(kind)]


class AllowanceWarning(models.Model):
    """That ``percent`` of an amount were used in the period that began at ``began_at``: found once.

    ``learner`` is whose use it was, where the allowance is for every learner or for one.
    """

    allowance = models.ForeignKey(Allowance, on_delete=models.CASCADE, related_name="warnings")
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    began_at = models.DateTimeField()
    percent = models.PositiveSmallIntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["allowance", "learner", "kind", "began_at", "percent"],
                name="an_allowance_warns_a_learner_once_a_period_of_each_share",
            ),
            models.UniqueConstraint(
                fields=["allowance", "kind", "began_at", "percent"],
                condition=Q(learner=None),
                name="an_allowance_warns_all_once_a_period_of_each_share",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.allowance_id} {self.kind} {self.began_at:%Y-%m-%d} {self.percent} %"
