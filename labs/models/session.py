"""One learner's sitting of a lab, and what the checks found in it."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from labs import notices
from labs.lifecycle import StartKind

if TYPE_CHECKING:
    from labs.models.place import QueuePlace
    from labs.models.sandbox import Sandbox


class Mode(models.TextChoices):
    """Whether help is at hand: in an exam there are no hints and nobody comes to help.

    In a playback the lab's own solution is typed, for a class to look on; it can never be passed.
    """

    PRACTICE = "practice", _("Practice")
    EXAM = "exam", _("Exam")
    PLAYBACK = "playback", _("Playback")


class LabSessionQuerySet(models.QuerySet["LabSession"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)

    def passed(self) -> Self:
        return self.exclude(passed_at=None)

    def of(self, learner: models.Model) -> Self:
        return self.filter(learner_id=learner.pk)

    def waiting(self) -> Self:
        """Open, and in the queue for their machines."""
        return self.open().filter(place__isnull=False, place__ended_at=None)

    def overdue(self, now: datetime) -> Self:
        """Their time is up; those in the queue have not begun."""
        begun = models.Q(place=None) | models.Q(place__ended_at__isnull=False)
        return self.open().filter(begun, expires_at__lte=now)


class LabSession(models.Model):
    """Open until ``closed_at``; ``passed_at`` is set once, when a finish found every check passing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="lab_sessions"
    )
    lab = models.ForeignKey("labs.Lab", on_delete=models.PROTECT, related_name="sessions")
    kind = models.CharField(max_length=20, choices=StartKind.choices, default=StartKind.PRACTICE)
    booking = models.ForeignKey(
        "labs.Booking", on_delete=models.SET_NULL, null=True, blank=True, related_name="sessions"
    )
    # Both begin anew when a place in the queue is granted.
    opened_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    passed_at = models.DateTimeField(null=True, blank=True)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.PRACTICE)
    extensions = models.PositiveSmallIntegerField(default=0)
    points = models.PositiveIntegerField(default=0)
    points_of = models.PositiveIntegerField(default=0)
    clauses = models.JSONField(default=list, blank=True)

    # Whether the call that returned this object opened the session, and the sandbox of the pool that it got thereby.
    is_new = False
    claimed: "Sandbox | None" = None

    objects = LabSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("lab session")
        verbose_name_plural = _("lab sessions")
        ordering = ("-opened_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "lab"],
                condition=models.Q(closed_at=None),
                name="one_open_session_per_learner_and_lab",
            ),
            models.CheckConstraint(
                condition=models.Q(passed_at=None) | models.Q(closed_at__isnull=False),
                name="a_passed_session_is_closed",
            ),
            models.CheckConstraint(
                condition=models.Q(passed_at=None) | ~models.Q(mode=Mode.PLAYBACK),
                name="a_playback_is_never_passed",
            ),
            models.CheckConstraint(
                condition=models.Q(mode__in=Mode.values), name="a_session_has_a_known_mode"
            ),
        ]
        indexes = [
            models.Index(fields=["learner", "passed_at"], name="labs_session_passed"),
            models.Index(fields=["closed_at", "expires_at"], name="labs_session_overdue"),
        ]

    def __str__(self) -> str:
        return f"{self.lab_id} {self.learner_id} {self.opened_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def gives_help(self) -> bool:
        """Whether hints are shown and instructors may help."""
        return self.mode == Mode.PRACTICE

    @property
    def is_exam(self) -> bool:
        return self.mode == Mode.EXAM

    @property
    def egress(self) -> list[str]:
        """The hosts that its machines may reach; an exam has only those that the lab lists for exams."""
        hosts: list[str] = self.lab.exam_egress if self.is_exam else self.lab.egress
        return hosts

    @property
    def is_playback(self) -> bool:
        return self.mode == Mode.PLAYBACK

    @property
    def sandbox(self) -> "Sandbox | None":
        """The machines of this session: the live ones, else the last that were."""
        return self.sandboxes.order_by("-pk").first()

    @property
    def waiting_place(self) -> "QueuePlace | None":
        """The place in the queue that this session waits in."""
        if self.claimed is not None:
            return None
        place: QueuePlace | None = getattr(self, "place", None)
        return place if place is not None and place.is_waiting else None

    @property
    def extensions_left(self) -> int:
        return (
            max(0, settings.LABS_EXTEND_TIMES - self.extensions)
            if self.is_open and self.waiting_place is None
            else 0
        )

    def close(self) -> bool:
        """The session is over; False when it was already."""
        closed = LabSession.objects.open().filter(pk=self.pk).update(closed_at=Now())
        self.refresh_from_db()
        notices.session_changed(self.pk)
        return bool(closed)

    def record_pass(self, points: int, points_of: int, clauses: list[str]) -> bool:
        """The session is passed and over; False when it was closed before."""
        passed = (
            LabSession.objects.open()
            .filter(pk=self.pk)
            .update(passed_at=Now(), closed_at=Now(), points=points, points_of=points_of, clauses=clauses)
        )
        self.refresh_from_db()
        notices.session_changed(self.pk)
        return bool(passed)


class CheckRequestQuerySet(models.QuerySet["CheckRequest"]):
    def unanswered(self) -> Self:
        return self.filter(answered_at=None)

    def unclaimed(self) -> Self:
        """Asked, not answered, and no worker is at it."""
        return self.unanswered().filter(models.Q(claimed_until=None) | models.Q(claimed_until__lt=Now()))


class CheckRequest(models.Model):
    """A wish to run the checks of one step, or with ``step`` empty of all, which finishes the session if all pass."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(LabSession, on_delete=models.CASCADE, related_name="check_requests")
    step = models.CharField(max_length=60, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    claimed_until = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    passed = models.BooleanField(null=True, blank=True)
    problem = models.CharField(max_length=20, blank=True)

    objects = CheckRequestQuerySet.as_manager()

    class Meta:
        ordering = ("asked_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["session", "step"],
                condition=models.Q(answered_at=None),
                name="one_open_check_request_per_session_and_step",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.step or 'finish'}"

    @property
    def finishes(self) -> bool:
        """Whether this asks for the whole lab."""
        return self.step == ""


class CheckResultQuerySet(models.QuerySet["CheckResult"]):
    def newest(self) -> Self:
        """The newest result of every check."""
        newest = self.order_by().values("session", "step", "check_key").annotate(newest=models.Max("pk"))
        return self.filter(pk__in=newest.values("newest"))

    def last_passes(self) -> dict[tuple[uuid.UUID, str, str], datetime]:
        """When each check last passed, by session, step and check."""
        passes = self.filter(passed=True).order_by().values_list("session_id", "step", "check_key")
        return {tuple(key): at for *key, at in passes.annotate(at=models.Max("checked_at"))}


class CheckResult(models.Model):
    """What one check found, when. ``failures`` counts how often in a row it has failed now."""

    session = models.ForeignKey(LabSession, on_delete=models.CASCADE, related_name="check_results")
    request = models.ForeignKey(CheckRequest, on_delete=models.CASCADE, related_name="results")
    step = models.CharField(max_length=60)
    check_key = models.CharField(max_length=60)
    node = models.CharField(max_length=30)
    passed = models.BooleanField()
    reason = models.CharField(max_length=60, blank=True)
    output = models.TextField(blank=True)
    exit_code = models.IntegerField()
    duration_ms = models.PositiveIntegerField()
    failures = models.PositiveIntegerField(default=0)
    checked_at = models.DateTimeField(default=timezone.now)

    objects = CheckResultQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["request", "step", "check_key"], name="one_result_per_check_and_request"
            ),
        ]
        indexes = [models.Index(fields=["session", "step", "check_key"], name="labs_result_latest")]

    def __str__(self) -> str:
        return f"{self.step}/{self.check_key} {'passed' if self.passed else self.reason}"
