"""What the programs of a lab session asked of the world outside, and what became of it."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Verdict(models.TextChoices):
    """``ALLOWED`` and those after it went out, or tried to; the others were refused before."""

    NOT_LISTED = "not_listed", _("not on the lab's list")
    OTHER_PORT = "other_port", _("another port than the list allows")
    PRIVATE = "private", _("the name leads to a private address")
    UNKNOWN = "unknown", _("there is no such name")
    UNREADABLE = "unreadable", _("no request that could be understood")
    USED_UP = "used_up", _("the session's transfer is used up")
    ALLOWED = "allowed", _("allowed")
    UNREACHABLE = "unreachable", _("allowed, but nobody answered")
    BROKEN_OFF = "broken_off", _("allowed, but broken off")


WENT_OUT = frozenset({Verdict.ALLOWED, Verdict.UNREACHABLE, Verdict.BROKEN_OFF})


class EgressRequestQuerySet(models.QuerySet["EgressRequest"]):
    def refused(self) -> Self:
        return self.exclude(verdict__in=WENT_OUT)

    def matching(self, words: str) -> Self:
        """Where each word occurs in the host or the node's name."""
        found = self
        for word in words.split()[:8]:
            found = found.filter(models.Q(host__icontains=word) | models.Q(node__icontains=word))
        return found

    def older_than(self, moment: datetime) -> Self:
        return self.filter(at__lt=moment)


class EgressRequest(models.Model):
    """One request of a node's program. ``duration_ms`` is empty while it lasts; bytes are told at its end."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey("labs.LabSession", on_delete=models.CASCADE, related_name="egress_requests")
    node = models.CharField(max_length=30)
    at = models.DateTimeField(default=timezone.now)
    method = models.CharField(max_length=20, blank=True)
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(default=0)
    address = models.GenericIPAddressField(null=True, blank=True)
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    bytes_up = models.PositiveBigIntegerField(default=0)
    bytes_down = models.PositiveBigIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)

    objects = EgressRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request to the outside")
        verbose_name_plural = _("requests to the outside")
        ordering = ("-at", "pk")
        indexes = [
            models.Index(fields=["session", "-at"], name="labs_egress_of_session"),
            models.Index(fields=["at"], name="labs_egress_at"),
        ]

    def __str__(self) -> str:
        return f"{self.node} {self.method} {self.host}:{self.port} {self.verdict}"

    @property
    def is_refused(self) -> bool:
        return self.verdict not in WENT_OUT
