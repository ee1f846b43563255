"""A place in the queue for a sandbox."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Outcome(models.TextChoices):
    """What became of a place; empty while somebody waits in it."""

    WAITING = "", ""
    ADMITTED = "admitted", _("Admitted")
    LEFT = "left", _("Given up")
    LAPSED = "lapsed", _("Lapsed")
    USED_UP = "used_up", _("Allowance used up")


class QueuePlaceQuerySet(models.QuerySet["QueuePlace"]):
    def waiting(self) -> Self:
        return self.filter(ended_at=None)

    def unseen_since(self, moment: datetime) -> Self:
        """Places whose learner has not been seen since ``moment``."""
        return self.filter(seen_at__lt=moment)


class QueuePlace(models.Model):
    """Somebody waits for the machines of an open session; ``position`` counts from 1 and is kept by the queue.

    ``seen_at`` is the last sign of the learner: the page's socket, or a program that asked.
    """

    session = models.OneToOneField("labs.LabSession", on_delete=models.CASCADE, related_name="place")
    organisation = models.ForeignKey(
        "community.Organisation", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    millicpus = models.PositiveIntegerField()
    memory_mib = models.PositiveIntegerField()
    joined_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    position = models.PositiveIntegerField(default=0)
    expected_from = models.DateTimeField(null=True, blank=True)
    expected_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome.choices, default=Outcome.WAITING, blank=True)

    objects = QueuePlaceQuerySet.as_manager()

    class Meta:
        verbose_name = _("place in the queue")
        verbose_name_plural = _("places in the queue")
        ordering = ("joined_at", "pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None, outcome=Outcome.WAITING)
                | (Q(ended_at__isnull=False) & ~Q(outcome=Outcome.WAITING)),
                name="a_place_that_ended_says_how",
            ),
        ]
        indexes = [models.Index(fields=["ended_at", "position"], name="labs_place_waiting")]

    def __str__(self) -> str:
        return f"{self.position} {self.outcome}".strip()

    @property
    def is_waiting(self) -> bool:
        return self.ended_at is None
