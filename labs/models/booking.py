"""Seats that are promised to a class."""

import secrets
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from community.api import User
from labs.models.teaching import ClassPlace, Place


def new_code() -> str:
    return secrets.token_hex(5)


class BookingQuerySet(models.QuerySet["Booking"]):
    def standing(self) -> Self:
        return self.filter(cancelled_at=None)

    def upcoming(self, now: datetime) -> Self:
        """Not cancelled and not over."""
        return self.standing().filter(ends_at__gt=now)

    def running(self, now: datetime) -> Self:
        return self.upcoming(now).filter(begins_at__lte=now)

    def attended_by(self, learner: models.Model) -> Self:
        """Those whose list names the learner, or whose class they learn in now."""
        listed = self.model.attendees.through.objects.filter(user_id=learner.pk)
        learns = ClassPlace.objects.filter(person_id=learner.pk, role=Place.LEARNS)
        return self.filter(
            Q(pk__in=listed.values("booking")) | Q(taught_class__in=learns.values("taught_class"))
        )

    def matching(self, words: str) -> Self:
        """Bookings in whose title, lab or instructor every word of ``words`` occurs."""
        found = self
        for word in words.split()[:8]:
            found = found.filter(
                Q(title__icontains=word)
                | Q(lab__title_zh__icontains=word)
                | Q(lab__title_en__icontains=word)
                | Q(instructor__username__icontains=word)
            )
        return found


class Booking(models.Model):
    """``seats`` of a lab are kept from ``begins_at`` to ``ends_at`` for the attendees and for the learners that
    ``taught_class`` has at the time; whoever has ``code`` may join."""

    lab = models.ForeignKey(
        "labs.Lab", on_delete=models.PROTECT, related_name="bookings", verbose_name=_("lab")
    )
    instructor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="lab_bookings"
    )
    taught_class = models.ForeignKey(
        "labs.TaughtClass",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="bookings",
        verbose_name=_("class"),
    )
    title = models.CharField(_("class"), max_length=120)
    seats = models.PositiveSmallIntegerField(_("seats"))
    millicpus = models.PositiveIntegerField()
    memory_mib = models.PositiveIntegerField()
    begins_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(_("ends"))
    code = models.CharField(max_length=20, unique=True, default=new_code, editable=False)
    attendees = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="booked_labs", blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    objects = BookingQuerySet.as_manager()

    class Meta:
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        ordering = ("begins_at", "pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("begins_at")), name="a_booking_ends_after_it_begins"
            ),
            models.CheckConstraint(condition=Q(seats__gte=1), name="a_booking_has_a_seat"),
        ]
        indexes = [models.Index(fields=["ends_at", "begins_at"], name="labs_booking_window")]

    def __str__(self) -> str:
        return self.title

    def people(self) -> "models.QuerySet[User]":
        """Who attends: those listed, and who learns in the class now."""
        learners = ClassPlace.objects.filter(taught_class=self.taught_class_id, role=Place.LEARNS)
        return User.objects.filter(Q(booked_labs=self.pk) | Q(pk__in=learners.values("person"))).distinct()

    def seat_for(self, learner: models.Model) -> bool:
        """Whether one is left for this attendee: listed ones have theirs, a class shares the others."""
        listed = set(self.attendees.values_list("pk", flat=True))
        if learner.pk in listed:
            return True
        taken = self.sessions.filter(closed_at=None).exclude(learner__in=listed).count()
        return taken < self.seats - len(listed)
