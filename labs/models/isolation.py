"""What the isolation self-test of a host found, each time it was run."""

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class IsolationReportQuerySet(models.QuerySet["IsolationReport"]):
    def newest(self) -> Self:
        """The newest report of every host."""
        newest = self.order_by().values("host_name").annotate(newest=models.Max("pk"))
        return self.filter(pk__in=newest.values("newest"))


class IsolationReport(models.Model):
    """One run of the self-test. ``outcomes`` is a list of objects with area, key, verdict and detail."""

    host_name = models.CharField(max_length=120)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(default=timezone.now)
    held = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    outcomes = models.JSONField(default=list)

    objects = IsolationReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("isolation report")
        verbose_name_plural = _("isolation reports")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.host_name} {self.ended_at:%Y-%m-%d %H:%M}: {self.held} held, {self.failed} failed"

    @property
    def holds(self) -> bool:
        return self.failed == 0

    @property
    def failures(self) -> list[dict[str, str]]:
        """The probes that did not hold."""
        return [outcome for outcome in self.outcomes if outcome["verdict"] != "held"]
