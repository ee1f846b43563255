"""What one terminal said in a lab session; the words themselves are in a file."""

import uuid
from datetime import datetime
from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from labs.models.teaching import ClassPlace, Place, TaughtClass


class Lack(models.TextChoices):
    """Why a recording may not be whole; empty for one that is."""

    NONE = "", ""
    RECORDER = (
        "recorder",
        _("What was said last may be missing: the recorder was behind when the machine was stopped."),
    )
    MACHINE = (
        "machine",
        _("What was said last may be missing: the machine did not answer when it was stopped."),
    )


class RecordingQuerySet(models.QuerySet["Recording"]):
    def running(self) -> Self:
        return self.filter(ended_at=None)

    def of(self, learner: models.Model) -> Self:
        return self.filter(session__learner_id=learner.pk)

    def shown_to(self, person: models.Model) -> Self:
        """Their own, and those of learners in a class they teach, of sessions begun after the learner had joined it."""
        taught = ClassPlace.objects.filter(
            role=Place.LEARNS,
            person_id=models.OuterRef("session__learner_id"),
            joined_at__lte=models.OuterRef("session__opened_at"),
            taught_class__in=TaughtClass.objects.taught_by(person),
        )
        return self.filter(models.Q(session__learner_id=person.pk) | models.Exists(taught))

    def older_than(self, moment: datetime) -> Self:
        """Ended before ``moment``; what still runs is not old."""
        return self.filter(ended_at__lt=moment)

    def matching(self, words: str) -> Self:
        """Where each word occurs in the lab's title, the node's or the learner's name."""
        found = self
        for word in words.split():
            found = found.filter(
                models.Q(session__lab__title_zh__icontains=word)
                | models.Q(session__lab__title_en__icontains=word)
                | models.Q(node__icontains=word)
                | models.Q(session__learner__username__icontains=word)
            )
        return found


class Recording(models.Model):
    """One terminal of one life of a node (``epoch``), from its first byte on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey("labs.LabSession", on_delete=models.CASCADE, related_name="recordings")
    ref = models.CharField(max_length=32)
    node = models.CharField(max_length=30)
    terminal = models.PositiveSmallIntegerField()
    epoch = models.CharField(max_length=32)
    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    bytes = models.PositiveBigIntegerField(default=0)
    lack = models.CharField(max_length=20, choices=Lack.choices, default=Lack.NONE, blank=True)

    objects = RecordingQuerySet.as_manager()

    class Meta:
        verbose_name = _("recording")
        verbose_name_plural = _("recordings")
        ordering = ("-began_at", "node", "terminal")
        constraints = [
            models.UniqueConstraint(
                fields=["ref", "node", "terminal", "epoch"], name="one_recording_per_terminal_and_life"
            ),
        ]
        indexes = [models.Index(fields=["ended_at"], name="labs_recording_ended")]

    def __str__(self) -> str:
        return f"{self.session_id} {self.node}/{self.terminal}"

    @property
    def path(self) -> Path:
        return folder() / str(self.session_id) / f"{self.pk}.cast"


def folder() -> Path:
    """Where this installation's recordings are."""
    return Path(settings.VAR_DIR) / "recordings"
