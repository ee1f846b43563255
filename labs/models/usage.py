"""What was used, in whole units, and what the host can give."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UsageRecordQuerySet(models.QuerySet["UsageRecord"]):
    def running(self) -> Self:
        return self.filter(closed_at=None)

    def of(self, learner: models.Model) -> Self:
        return self.filter(learner_id=learner.pk)


class UsageRecord(models.Model):
    """What one sandbox had allocated while that did not change; ``seconds`` is whole seconds, rounded up.

    A suspended sandbox has no processors, so its record holds none; its memory it keeps.
    """

    sandbox = models.ForeignKey(
        "labs.Sandbox", on_delete=models.SET_NULL, null=True, related_name="usage_records"
    )
    ref = models.CharField(max_length=32, db_index=True)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="usage_records"
    )
    millicpus = models.PositiveIntegerField()
    memory_mib = models.PositiveIntegerField()
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    seconds = models.PositiveBigIntegerField(default=0)
    millicpu_seconds = models.PositiveBigIntegerField(default=0)
    mib_seconds = models.PositiveBigIntegerField(default=0)

    objects = UsageRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("usage record")
        verbose_name_plural = _("usage records")
        ordering = ("-opened_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["ref"], condition=models.Q(closed_at=None), name="one_running_record_per_sandbox"
            ),
            models.CheckConstraint(
                condition=models.Q(millicpu_seconds=models.F("seconds") * models.F("millicpus"))
                & models.Q(mib_seconds=models.F("seconds") * models.F("memory_mib")),
                name="usage_is_seconds_times_what_was_allocated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.seconds} s"


class Host(models.Model):
    """The one row whose lock serialises starts; it also keeps what workers last found wrong with the engine."""

    problem = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("host")

    def __str__(self) -> str:
        return self.problem or "ok"

    @classmethod
    def locked(cls) -> "Host":
        """The row, held until the transaction ends (on SQLite every write transaction excludes all others)."""
        cls.objects.get_or_create(pk=1)
        return cls.objects.select_for_update().get(pk=1)
