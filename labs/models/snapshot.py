"""Homes kept beyond the life of their machines: saved, put back, shared by a link."""

import secrets
import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SnapshotQuerySet(models.QuerySet["Snapshot"]):
    def of(self, learner: models.Model) -> Self:
        return self.filter(learner_id=learner.pk)

    def unanswered(self) -> Self:
        return self.filter(answered_at=None)

    def kept(self) -> Self:
        """Those that can be put back."""
        return self.filter(
            answered_at__isnull=False, problem="", deleted_at=None, expires_at__gt=timezone.now()
        )

    def saved(self) -> Self:
        """Those that their learner saved, and finds in the list of them."""
        return self.filter(purpose=Purpose.SAVED)


class Purpose(models.TextChoices):
    SAVED = "saved", _("Saved by the learner")
    UNDO = "undo", _("Kept to undo a restart")
    FORK = "fork", _("Shared as a copy")


class Snapshot(models.Model):
    """The homes of a session's nodes at one moment; files, not processes. ``node`` names one, empty means all."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="lab_snapshots"
    )
    lab = models.ForeignKey("labs.Lab", on_delete=models.CASCADE, related_name="snapshots")
    session = models.ForeignKey(
        "labs.LabSession", on_delete=models.SET_NULL, null=True, related_name="snapshots"
    )
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.SAVED)
    node = models.CharField(max_length=30, blank=True)
    name = models.CharField(_("name"), max_length=80, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)
    expires_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        verbose_name = _("snapshot")
        verbose_name_plural = _("snapshots")
        ordering = ("-asked_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=Q(answered_at=None), name="one_open_snapshot_per_session"
            ),
        ]
        indexes = [models.Index(fields=["learner", "asked_at"], name="labs_snapshot_of")]

    def __str__(self) -> str:
        return self.name or f"{self.lab_id} {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def can_be_put_back(self) -> bool:
        return (
            self.answered_at is not None
            and not self.problem
            and self.deleted_at is None
            and self.expires_at > timezone.now()
        )


class SnapshotHome(models.Model):
    """One node's home: a file of ours that only workers read. ``sha256`` is that of the file as it lies there."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="homes")
    node = models.CharField(max_length=30)
    tar_bytes = models.PositiveBigIntegerField()
    file_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "node"], name="one_home_per_node_and_snapshot"),
        ]

    def __str__(self) -> str:
        return f"{self.snapshot_id}/{self.node}"

    @property
    def file_name(self) -> str:
        """Below the folder of snapshots; both parts are of our own making."""
        return f"{self.snapshot_id}/{self.node}.tar.gz"


class PuttingBackQuerySet(models.QuerySet["PuttingBack"]):
    def unanswered(self) -> Self:
        return self.filter(answered_at=None)


class PuttingBack(models.Model):
    """The wish that a snapshot's files be in the homes of a session again, and what became of it."""

    session = models.ForeignKey("labs.LabSession", on_delete=models.CASCADE, related_name="put_back")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.SET_NULL, null=True, related_name="uses")
    asked_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)

    objects = PuttingBackQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.snapshot_id} > {self.session_id}"


def new_token() -> str:
    return secrets.token_urlsafe(24)


class ForkQuerySet(models.QuerySet["Fork"]):
    def open(self) -> Self:
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())


class Fork(models.Model):
    """A link to a copy of somebody's homes: whoever is signed in and has it may open it as a sandbox of their own."""

    snapshot = models.OneToOneField(Snapshot, on_delete=models.CASCADE, related_name="fork")
    token = models.CharField(max_length=64, unique=True, default=new_token, editable=False)
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ForkQuerySet.as_manager()

    class Meta:
        ordering = ("-made_at",)

    def __str__(self) -> str:
        return f"{self.snapshot_id}"

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()


class ForkOpening(models.Model):
    """Who opened a fork, when, as which session; rows are only ever added."""

    fork = models.ForeignKey(Fork, on_delete=models.CASCADE, related_name="openings")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="forks_opened"
    )
    session = models.ForeignKey("labs.LabSession", on_delete=models.SET_NULL, null=True, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("opened_at",)

    def __str__(self) -> str:
        return f"{self.person_id} {self.opened_at:%Y-%m-%d %H:%M}"
