"""Sittings: the paper a candidate got, every change of every answer, when the clock stood, and what came of it."""

import uuid
from datetime import datetime
from fractions import Fraction
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from community.api import User
from courses.exams.clock import Stop, Terms
from courses.exams.drawing import Slot


class Paper(models.Model):
    """Questions pinned before anybody sits them; ``slots`` is what ``courses.exams.drawing`` drew, as JSON."""

    exam = models.ForeignKey("courses.Exam", on_delete=models.PROTECT, related_name="papers")
    seed = models.CharField(max_length=64)
    slots = models.JSONField()
    paper_hash = models.CharField(max_length=64)
    scorer_version = models.PositiveSmallIntegerField()
    built_at = models.DateTimeField(default=timezone.now)
    # Claimed by one compare-and-set at the start; a paper is never given out twice.
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("paper")
        verbose_name_plural = _("papers")
        constraints = [
            models.UniqueConstraint(fields=["exam", "seed"], name="a_seed_makes_one_paper_of_an_exam")
        ]
        indexes = [models.Index(fields=["exam", "taken_at", "id"], name="paper_to_take")]

    def __str__(self) -> str:
        return f"{self.exam_id} {self.paper_hash[:8]}"

    def read_slots(self) -> tuple[Slot, ...]:
        return tuple(Slot.read(raw) for raw in self.slots)


class PinnedVersion(models.Model):
    """A question version that papers of an exam hold: its usage, and what keeps it from going away."""

    exam = models.ForeignKey("courses.Exam", on_delete=models.PROTECT, related_name="pinned_versions")
    version = models.ForeignKey("courses.QuestionVersion", on_delete=models.PROTECT, related_name="pinnings")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["exam", "version"], name="a_version_is_pinned_once_per_exam")
        ]

    def __str__(self) -> str:
        return f"{self.version_id} in {self.exam_id}"


class AttemptState(models.TextChoices):
    OPEN = "open", pgettext_lazy("exam", "Under way")
    SUBMITTED = "submitted", pgettext_lazy("exam", "Submitted")
    GRADED = "graded", pgettext_lazy("exam", "Graded")
    VOIDED = "voided", pgettext_lazy("exam", "Void")


class EndReason(models.TextChoices):
    """Why an attempt is no longer open."""

    HANDED_IN = "handed_in", pgettext_lazy("exam", "Handed in")
    TIME_UP = "time_up", pgettext_lazy("exam", "Time was up")
    ENDED_BY_STAFF = "ended_by_staff", pgettext_lazy("exam", "Ended by the invigilator")
    VOIDED = "voided", pgettext_lazy("exam", "Declared void")


MOVES: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.OPEN: frozenset({AttemptState.SUBMITTED, AttemptState.VOIDED}),
    AttemptState.SUBMITTED: frozenset({AttemptState.GRADED, AttemptState.VOIDED}),
    AttemptState.GRADED: frozenset({AttemptState.VOIDED}),
    AttemptState.VOIDED: frozenset(),
}


def sources_of(target: AttemptState) -> list[AttemptState]:
    return [state for state, targets in MOVES.items() if target in targets]


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def of(self, person: User) -> Self:
        return self.filter(person_id=person.pk)

    def open(self) -> Self:
        return self.filter(state=AttemptState.OPEN)

    def due(self, now: datetime) -> Self:
        """Open ones whose time is up; the clock of a paused one has no end."""
        return self.open().filter(deadline_at__lte=now)


class Attempt(models.Model):
    """One sitting. The deadline is kept as computed and computed anew whenever what was granted changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    exam = models.ForeignKey("courses.Exam", on_delete=models.PROTECT, related_name="attempts")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="exam_attempts"
    )
    paper = models.OneToOneField(Paper, on_delete=models.PROTECT, related_name="attempt")
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=AttemptState, default=AttemptState.OPEN)
    reason = models.CharField(max_length=16, choices=EndReason, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    # Since when its clock stands; it has no deadline then.
    paused_at = models.DateTimeField(null=True, blank=True)

    # What was granted at the start or since; the exam's own row may change meanwhile.
    limit_s = models.PositiveIntegerField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    factor = models.DecimalField(max_digits=4, decimal_places=2, default=1)
    extra_s = models.PositiveIntegerField(default=0)

    # The device that may write: who opens the attempt elsewhere raises it, and older tokens write no more.
    epoch = models.PositiveIntegerField(default=1)
    # The end of the chain of answers: how many changes, the last link, and by slot the last sequence and its digest.
    saved_count = models.PositiveIntegerField(default=0)
    last_link = models.CharField(max_length=64)
    heads = models.JSONField(default=dict)

    score_numerator = models.BigIntegerField(null=True, blank=True)
    score_denominator = models.BigIntegerField(null=True, blank=True)
    passed = models.BooleanField(null=True, blank=True)
    graded_at = models.DateTimeField(null=True, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("exam", "attempt")
        verbose_name_plural = pgettext_lazy("exam", "attempts")
        ordering = ("-started_at", "pk")
        indexes = [
            models.Index(
                fields=["deadline_at"], name="attempt_deadline", condition=Q(state=AttemptState.OPEN)
            ),
            models.Index(fields=["exam", "state"], name="attempt_of_exam"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["exam", "person"],
                condition=Q(state=AttemptState.OPEN),
                name="one_open_attempt_per_exam_and_person",
            ),
            models.UniqueConstraint(fields=["exam", "person", "number"], name="attempts_are_numbered"),
            models.CheckConstraint(
                condition=Q(state=AttemptState.OPEN, ended_at=None)
                | (~Q(state=AttemptState.OPEN) & Q(ended_at__isnull=False)),
                name="an_attempt_that_is_not_open_has_ended",
            ),
            models.CheckConstraint(
                condition=Q(paused_at=None) | Q(deadline_at=None), name="a_paused_attempt_has_no_deadline"
            ),
            models.CheckConstraint(
                condition=Q(score_denominator=None) | Q(score_denominator__gt=0),
                name="a_score_is_a_fraction",
            ),
            models.CheckConstraint(
                condition=Q(score_numerator=None)
                | Q(score_numerator__gte=0, score_numerator__lte=F("score_denominator")),
                name="a_score_is_between_nothing_and_all",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.exam_id}: {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state == AttemptState.OPEN

    @property
    def terms(self) -> Terms:
        return Terms(self.limit_s, self.closes_at, Fraction(self.factor), self.extra_s)

    @property
    def score(self) -> Fraction | None:
        """The share of all marks; None while not graded."""
        if self.score_numerator is None or self.score_denominator is None:
            return None
        return Fraction(self.score_numerator, self.score_denominator)

    def move(self, target: AttemptState, reason: EndReason | None = None, **fields: object) -> bool:
        """Move to ``target``; False when another moved it first."""
        if reason is not None:
            fields["reason"] = reason
        moved = Attempt.objects.filter(pk=self.pk, state__in=sources_of(target)).update(
            state=target, **fields
        )
        if moved:
            self.refresh_from_db()
        return bool(moved)


class StopCause(models.TextChoices):
    PAUSE = "pause", pgettext_lazy("exam", "Paused")
    OUTAGE = "outage", pgettext_lazy("exam", "Outage")


class AttemptStop(models.Model):
    """The clock of an attempt stood, or stands: a pause by the invigilator, or an outage that was measured."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="stops")
    cause = models.CharField(max_length=8, choices=StopCause)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["attempt"],
                condition=Q(ended_at=None),
                name="the_clock_of_an_attempt_stands_once_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["attempt", "cause", "began_at"], name="a_stop_is_counted_once_per_attempt"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at")), name="a_stop_ends_after_it_began"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cause} of {self.attempt_id}"

    @property
    def span(self) -> Stop:
        return Stop(self.began_at, self.ended_at)


class AnswerEvent(models.Model):
    """One change of one answer as it was received; the database lets nobody change or delete it."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="answers")
    place = models.PositiveIntegerField()
    slot = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    answer = models.JSONField(null=True)
    received_at = models.DateTimeField()
    link = models.CharField(max_length=64)

    class Meta:
        ordering = ("attempt", "place")
        constraints = [
            models.UniqueConstraint(fields=["attempt", "place"], name="answers_of_an_attempt_are_in_order"),
            models.UniqueConstraint(
                fields=["attempt", "slot", "sequence"], name="a_change_of_an_answer_is_kept_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attempt_id}: {self.slot}.{self.sequence}"


class AttemptEvent(models.Model):
    """What happened to an attempt, and who did it; append-only."""

    class Kind(models.TextChoices):
        STARTED = "started", pgettext_lazy("exam", "Started")
        OPENED = "opened", _("Opened on a device")
        ADDRESS_CHANGED = "address_changed", _("Network address changed")
        TIME_GRANTED = "time_granted", _("Extra time")
        PAUSED = "paused", pgettext_lazy("exam", "Paused")
        RESUMED = "resumed", pgettext_lazy("exam", "Resumed")
        OUTAGE = "outage", _("Outage given back")
        MESSAGE = "message", _("Message from the invigilator")
        ENDED = "ended", pgettext_lazy("exam", "Ended")
        VOIDED = "voided", pgettext_lazy("exam", "Declared void")

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=18, choices=Kind)
    at = models.DateTimeField(default=timezone.now)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ("pk",)
        indexes = [
            models.Index(fields=["attempt", "id"], name="events_of_an_attempt"),
            models.Index(fields=["at"], name="events_of_late"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.attempt_id}"


class SlotGrade(models.Model):
    """What an answer is worth by one grading; the last that was not taken back counts. Append-only but for that date."""

    class Source(models.TextChoices):
        SCORER = "scorer", _("Scorer")
        MARKER = "marker", _("Marker")
        REGRADE = "regrade", _("Regrade")
        APPEAL = "appeal", _("Appeal")

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="grades")
    slot = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=8, choices=Source, default=Source.SCORER)
    scorer_version = models.PositiveSmallIntegerField(null=True, blank=True)
    numerator = models.BigIntegerField(null=True, blank=True)
    denominator = models.BigIntegerField(null=True, blank=True)
    waiting = models.CharField(max_length=10, blank=True)
    parts = models.JSONField(default=list)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("attempt", "slot", "pk")
        indexes = [models.Index(fields=["attempt", "slot", "id"], name="grades_of_a_slot")]
        constraints = [
            models.CheckConstraint(
                condition=Q(numerator=None, denominator=None) | Q(numerator__gte=0, denominator__gt=0),
                name="a_grade_is_a_fraction_or_waits",
            )
        ]

    def __str__(self) -> str:
        return f"{self.attempt_id}: {self.slot}"

    @property
    def share(self) -> Fraction | None:
        if self.numerator is None or self.denominator is None:
            return None
        return Fraction(self.numerator, self.denominator)
