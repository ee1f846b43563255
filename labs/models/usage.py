"""What the host can give, and how it is with it."""

from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Host(models.Model):
    """The one row whose lock serialises starts; it also keeps what workers last found wrong with the engine."""

    problem = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    # Since when an operator lets nobody in; who is in stays.
    draining_at = models.DateTimeField(null=True, blank=True)

    # What was measured last, and when; None where the engine's host cannot be looked at.
    available_mib = models.PositiveBigIntegerField(null=True, blank=True)
    disk_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    disk_free_mib = models.PositiveBigIntegerField(null=True, blank=True)
    measured_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("host")

    def __str__(self) -> str:
        return self.problem or "ok"

    @classmethod
    def locked(cls) -> "Host":
        """The row, held until the transaction ends (on SQLite every write transaction excludes all others)."""
        row = cls.objects.select_for_update().filter(pk=1)
        try:
            return row.get()
        except cls.DoesNotExist:
            Host.objects.bulk_create([Host(pk=1)], ignore_conflicts=True)
            return row.get()


class AttendantQuerySet(models.QuerySet["Attendant"]):
    def heard(self, name: "Attendant.Name") -> None:
        """It lives at this moment."""
        self.update_or_create(name=name, defaults={"seen_at": timezone.now()})

    def seen(self) -> "dict[str, datetime | None]":
        """When each was last heard of; None of one that never was."""
        found = dict(self.values_list("name", "seen_at"))
        return {name: found.get(name) for name in Attendant.Name.values}


class Attendant(models.Model):
    """A process that stands by running labs, and when it was last heard of."""

    class Name(models.TextChoices):
        RECORDER = "recorder"
        EGRESS = "egress"

    name = models.CharField(max_length=20, choices=Name.choices, primary_key=True)
    seen_at = models.DateTimeField()

    objects = AttendantQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
