"""Learning with help: classes, opened hints, raised hands, messages, leave to type, and the record of it all."""

import secrets
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# Without letters and digits that look alike: codes are read aloud and typed by hand.
CODE_SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def new_code() -> str:
    return "".join(secrets.choice(CODE_SIGNS) for _place in range(8))


class TaughtClassQuerySet(models.QuerySet["TaughtClass"]):
    def taught_by(self, person: models.Model) -> Self:
        return self.filter(places__person_id=person.pk, places__role=Place.TEACHES)

    def learnt_by(self, person: models.Model) -> Self:
        return self.filter(places__person_id=person.pk, places__role=Place.LEARNS)

    def of(self, person: models.Model) -> Self:
        """Every class in which ``person`` teaches or learns."""
        return self.filter(places__person_id=person.pk)

    def that_use(self, lab: models.Model) -> Self:
        """Classes for which seats of ``lab`` are booked, or whose learners have been in it."""
        been = Q(places__role=Place.LEARNS, places__person__lab_sessions__lab=lab)
        return self.filter(been | Q(bookings__lab=lab)).distinct()

    def matching(self, words: str) -> Self:
        classes = self
        for word in words.split()[:8]:
            classes = classes.filter(name__icontains=word)
        return classes


class Place(models.TextChoices):
    """What a person does in a class."""

    TEACHES = "teaches", _("Instructor")
    LEARNS = "learns", _("Learner")


class TaughtClass(models.Model):
    """Who teaches whom; its instructors see the labs of its learners while these are open."""

    name = models.CharField(_("name"), max_length=120)
    code = models.CharField(max_length=8, unique=True, default=new_code, editable=False)
    # Names what its people are taken from, where that is kept above labs; then no code lets anybody in.
    kept_for = models.CharField(max_length=60, blank=True, default="", editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = TaughtClassQuerySet.as_manager()

    class Meta:
        verbose_name = _("class")
        verbose_name_plural = _("classes")
        ordering = ("name", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["kept_for"], condition=~Q(kept_for=""), name="one_class_is_kept_for_one_thing"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ClassPlace(models.Model):
    """One person in one class."""

    taught_class = models.ForeignKey(TaughtClass, on_delete=models.CASCADE, related_name="places")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="class_places"
    )
    role = models.CharField(max_length=10, choices=Place.choices)
    joined_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("place in a class")
        verbose_name_plural = _("places in classes")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["taught_class", "person"], name="one_place_per_person_and_class"),
            models.CheckConstraint(condition=Q(role__in=Place.values), name="a_place_teaches_or_learns"),
        ]
        indexes = [models.Index(fields=["person", "role"], name="labs_place_person")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.role} {self.taught_class_id}"


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


class RaisedHandQuerySet(models.QuerySet["RaisedHand"]):
    def up(self) -> Self:
        return self.filter(lowered_at=None)


class RaisedHand(models.Model):
    """A learner asks for help; up until either side lowers it."""

    session = models.ForeignKey("labs.LabSession", on_delete=models.CASCADE, related_name="hands")
    words = models.CharField(max_length=300, blank=True)
    raised_at = models.DateTimeField(default=timezone.now)
    lowered_at = models.DateTimeField(null=True, blank=True)

    objects = RaisedHandQuerySet.as_manager()

    class Meta:
        verbose_name = _("raised hand")
        verbose_name_plural = _("raised hands")
        ordering = ("raised_at", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=Q(lowered_at=None), name="one_raised_hand_per_session"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.raised_at:%H:%M}"


class TeachingMessage(models.Model):
    """Words or a hint of an instructor, for one session."""

    session = models.ForeignKey("labs.LabSession", on_delete=models.CASCADE, related_name="teaching_messages")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    words = models.CharField(max_length=1000)
    sent_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.words[:40]


class TypingLeaveQuerySet(models.QuerySet["TypingLeave"]):
    def standing(self) -> Self:
        """Asked for or granted, and not over, by the database's clock."""
        return self.filter(ended_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=Now()))

    def granted(self) -> Self:
        """Those that let the instructor type at this moment."""
        return self.standing().exclude(granted_at=None)

    def of(self, person: models.Model) -> Self:
        return self.filter(instructor_id=person.pk)


class TypingLeave(models.Model):
    """An instructor asks to type in a learner's terminals; the learner grants it for a time and may end it at once."""

    session = models.ForeignKey("labs.LabSession", on_delete=models.CASCADE, related_name="typing_leaves")
    instructor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="typing_leaves"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    granted_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = TypingLeaveQuerySet.as_manager()

    class Meta:
        verbose_name = _("leave to type")
        verbose_name_plural = _("leaves to type")
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(granted_at=None, expires_at=None) | Q(expires_at__gt=F("granted_at")),
                name="leave_to_type_is_for_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instructor_id} {self.session_id}"


class Deed(models.TextChoices):
    """What was done in teaching, as the record names it."""

    HINT_OPENED = "hint_opened", _("opened a hint")
    HAND_RAISED = "hand_raised", _("raised a hand")
    HAND_LOWERED = "hand_lowered", _("lowered a hand")
    MESSAGE_SENT = "message_sent", _("sent a message")
    LEAVE_ASKED = "leave_asked", _("asked to type")
    LEAVE_GRANTED = "leave_granted", _("allowed typing")
    LEAVE_ENDED = "leave_ended", _("ended the leave to type")
    WATCHED = "watched", _("watched a terminal")
    TYPED = "typed", _("typed in a terminal")
    PLAYED = "played", _("had the solution played")


class RecordIsFinal(Exception):
    """A record of teaching can neither be changed nor taken back."""


class TeachingEventQuerySet(models.QuerySet["TeachingEvent"]):
    def update(self, **_changes: Any) -> int:
        raise RecordIsFinal

    def delete(self) -> tuple[int, dict[str, int]]:
        raise RecordIsFinal


class TeachingEvent(models.Model):
    """Who did what in whose session; append-only, it goes only with the session itself, which the database sees to."""

    session = models.ForeignKey(
        "labs.LabSession", on_delete=models.DO_NOTHING, related_name="teaching_events"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    deed = models.CharField(max_length=20, choices=Deed.choices)
    detail = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField(default=timezone.now)

    objects = TeachingEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("teaching event")
        verbose_name_plural = _("teaching events")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.actor_id} {self.deed}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise RecordIsFinal
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        raise RecordIsFinal
