"""Learning with help: which hints were opened for how many points."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class HintOpeningQuerySet(models.QuerySet["HintOpening"]):
    def cost(self) -> int:
        """The points that these openings take together."""
        return self.aggregate(cost=models.Sum("cost"))["cost"] or 0


class HintOpening(models.Model):
    """One hint of one reason that a check failed for, opened for ``cost`` points; never changed."""

    session = models.ForeignKey("labs.LabSession", on_delete=models.CASCADE, related_name="hint_openings")
    step = models.CharField(max_length=60)
    check_key = models.CharField(max_length=60)
    reason = models.CharField(max_length=60)
    number = models.PositiveSmallIntegerField()
    cost = models.PositiveSmallIntegerField()
    opened_at = models.DateTimeField(default=timezone.now)

    objects = HintOpeningQuerySet.as_manager()

    class Meta:
        verbose_name = _("opened hint")
        verbose_name_plural = _("opened hints")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["session", "step", "check_key", "reason", "number"], name="a_hint_is_opened_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step}/{self.check_key} {self.reason} {self.number}"
