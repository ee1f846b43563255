"""Who takes a course together and when: cohorts of an organisation, their instructors, and the places in them."""

import datetime
import secrets
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from community.api import Membership, User
from courses.models.pages import CoursePage


class WayIn(models.TextChoices):
    """How people come into a cohort."""

    OPEN = "open", _("Everybody may join")
    ORGANISATION = "organisation", _("People of the organisation may join")
    APPROVAL = "approval", _("People ask, an instructor decides")
    LINK = "link", _("Whoever has the link may join")


class PlaceState(models.TextChoices):
    ASKED = "asked", _("Asked")
    WAITING = "waiting", _("Waits for a seat")
    ENROLLED = "enrolled", _("Enrolled")
    REFUSED = "refused", _("Refused")
    LEFT = "left", pgettext_lazy("place in a cohort", "Left")


# Refused is what an instructor says, be it to somebody who asks or to somebody who is in; left is the person's own wish.
MOVES: dict[PlaceState, frozenset[PlaceState]] = {
    PlaceState.ASKED: frozenset(
        {PlaceState.WAITING, PlaceState.ENROLLED, PlaceState.REFUSED, PlaceState.LEFT}
    ),
    PlaceState.WAITING: frozenset({PlaceState.ENROLLED, PlaceState.REFUSED, PlaceState.LEFT}),
    PlaceState.ENROLLED: frozenset({PlaceState.REFUSED, PlaceState.LEFT}),
    PlaceState.REFUSED: frozenset({PlaceState.WAITING, PlaceState.ENROLLED}),
    PlaceState.LEFT: frozenset({PlaceState.ASKED, PlaceState.WAITING, PlaceState.ENROLLED}),
}


def new_token() -> str:
    """22 signs that nobody guesses."""
    return secrets.token_urlsafe(16)


class CohortQuerySet(models.QuerySet["Cohort"]):
    def in_course(self, course_key: UUID | str) -> Self:
        return self.filter(course_key=course_key)

    def going(self, today: datetime.date) -> Self:
        """Not over: to come, or under way."""
        return self.filter(ends_on__gte=today)

    def matching(self, words: str) -> Self:
        """Those whose name or organisation holds every word of ``words``."""
        cohorts = self
        for word in words.split()[:8]:
            cohorts = cohorts.filter(
                Q(name__icontains=word)
                | Q(organisation__name_zh__icontains=word)
                | Q(organisation__name_en__icontains=word)
            )
        return cohorts

    def learnt_in_by(self, person: User) -> Self:
        """Those ``person`` is enrolled in."""
        held = CohortPlace.objects.enrolled().filter(person_id=person.pk)
        return self.filter(pk__in=held.values("cohort_id"))

    def taught_by(self, person: User) -> Self:
        teaching = CohortInstructor.objects.filter(person_id=person.pk)
        return self.filter(pk__in=teaching.values("cohort_id"))

    def answered_for_by(self, person: User) -> Self:
        """Those of the organisations that ``person`` is responsible in."""
        ties = Membership.objects.current().of(person).responsible()
        return self.filter(organisation_id__in=ties.values("organisation_id"))

    def run_by(self, person: User) -> Self:
        """Those whose people ``person`` sees and decides on, operators apart."""
        return self.taught_by(person) | self.answered_for_by(person)

    def announced_to(self, person: User | None) -> Self:
        """Those ``person`` may join or ask for without a link, whatever their dates and seats.

        Of a private course only the organisation's own people hear.
        """
        public = Q(way_in__in=[WayIn.OPEN, WayIn.APPROVAL]) & ~Q(course_key__in=CoursePage.private_keys())
        if person is None:
            return self.filter(public)
        ties = Membership.objects.current().of(person)
        own = Q(organisation_id__in=ties.values("organisation_id")) & ~Q(way_in=WayIn.LINK)
        return self.filter(public | own)

    def seen_by(self, person: User | None) -> Self:
        """Those ``person`` may know of: announced to them, asked for or joined by them, or run by them."""
        announced = self.announced_to(person)
        if person is None:
            return announced
        standing = CohortPlace.objects.standing().of(person)
        return announced | self.filter(pk__in=standing.values("cohort_id")) | self.run_by(person)

    def with_counts(self) -> Self:
        """Each with ``taken`` seats, and how many ``asked`` and are ``waiting``."""
        return self.annotate(
            taken=Count("places", filter=Q(places__state=PlaceState.ENROLLED)),
            asked=Count("places", filter=Q(places__state=PlaceState.ASKED)),
            waiting=Count("places", filter=Q(places__state=PlaceState.WAITING)),
        )


class Cohort(models.Model):
    """Learners of an organisation who take a course together, from one day to another."""

    organisation = models.ForeignKey(
        "community.Organisation",
        on_delete=models.PROTECT,
        related_name="cohorts",
        verbose_name=_("organisation"),
    )
    course_key = models.UUIDField(_("course"), help_text=_("Translation key of the course page."))
    name = models.CharField(_("name"), max_length=120)
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"))
    seats = models.PositiveIntegerField(_("seats"), null=True, blank=True)
    way_in = models.CharField(_("way in"), max_length=12, choices=WayIn.choices)
    # Kept readable: its instructors copy the link again and again, and change it when it went too far.
    link_token = models.CharField(max_length=43, unique=True, default=new_token, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = CohortQuerySet.as_manager()
    # Filled by ``with_counts``.
    taken: int
    asked: int
    waiting: int

    class Meta:
        verbose_name = _("cohort")
        verbose_name_plural = _("cohorts")
        ordering = ("-starts_on", "-pk")
        indexes = [
            models.Index(fields=["course_key", "ends_on"], name="courses_cohort_course"),
            models.Index(fields=["organisation", "starts_on"], name="courses_cohort_owner"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="a_cohort_ends_no_sooner_than_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(seats=None) | Q(seats__gte=1), name="a_cohort_has_a_seat_at_least"
            ),
            models.CheckConstraint(condition=Q(way_in__in=WayIn.values), name="a_cohort_has_a_known_way_in"),
        ]

    def __str__(self) -> str:
        return self.name

    def is_over(self, today: datetime.date | None = None) -> bool:
        return self.ends_on < (today or timezone.localdate())

    @property
    def has_seat(self) -> bool:
        """Whether one more may be enrolled, by the ``taken`` that ``with_counts`` counted."""
        return self.seats is None or self.taken < self.seats

    def has_begun(self, today: datetime.date | None = None) -> bool:
        return self.starts_on <= (today or timezone.localdate())

    def free_seats(self) -> int | None:
        """How many may still be enrolled; None without a limit."""
        if self.seats is None:
            return None
        return max(0, self.seats - self.places.enrolled().count())


class CohortInstructor(models.Model):
    """A person who teaches a cohort: sees its people and their progress, and decides who is in."""

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="instructors")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="cohorts_taught"
    )
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("instructor of a cohort")
        verbose_name_plural = _("instructors of cohorts")
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["cohort", "person"], name="an_instructor_teaches_a_cohort_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} teaches {self.cohort_id}"


class CohortPlaceQuerySet(models.QuerySet["CohortPlace"]):
    def enrolled(self) -> Self:
        """Those that hold a seat."""
        return self.filter(state=PlaceState.ENROLLED)

    def waiting(self) -> Self:
        """Those that wait for a seat, whoever has waited longest first."""
        return self.filter(state=PlaceState.WAITING).order_by("asked_at", "pk")

    def of(self, person: User) -> Self:
        return self.filter(person_id=person.pk)

    def standing(self) -> Self:
        """Neither refused nor given up."""
        return self.filter(state__in=[PlaceState.ASKED, PlaceState.WAITING, PlaceState.ENROLLED])

    def matching(self, words: str) -> Self:
        """Those of people whose user name, printed name or address holds every word of ``words``."""
        places = self
        for word in words.split()[:8]:
            places = places.filter(
                Q(person__username__icontains=word)
                | Q(person__printed_name__icontains=word)
                | Q(person__email__icontains=word)
            )
        return places


class CohortPlace(models.Model):
    """One person's standing in one cohort; while enrolled it holds a seat."""

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="places")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="cohort_places"
    )
    state = models.CharField(max_length=10, choices=PlaceState.choices)
    asked_at = models.DateTimeField(default=timezone.now)
    enrolled_at = models.DateTimeField(null=True, blank=True)

    objects = CohortPlaceQuerySet.as_manager()

    class Meta:
        verbose_name = _("place in a cohort")
        verbose_name_plural = _("places in cohorts")
        ordering = ("pk",)
        indexes = [
            models.Index(fields=["cohort", "state"], name="courses_place_state"),
            models.Index(fields=["person", "state"], name="courses_place_person"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["cohort", "person"], name="one_place_per_person_and_cohort"),
            models.CheckConstraint(
                condition=Q(state__in=PlaceState.values), name="a_place_in_a_cohort_has_a_known_state"
            ),
            models.CheckConstraint(
                condition=~Q(state=PlaceState.ENROLLED) | Q(enrolled_at__isnull=False),
                name="an_enrolled_place_says_since_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.state} {self.cohort_id}"

    def move(self, target: PlaceState, by: User | None = None) -> bool:
        """Move to ``target`` and record it; False when another actor moved first."""
        now = timezone.now()
        changes: dict[str, object] = {"state": target}
        if target == PlaceState.ENROLLED:
            changes["enrolled_at"] = now
        if self.state == PlaceState.LEFT:
            # Who comes back stands at the end of those who wait.
            changes["asked_at"] = now
        sources = [state for state, targets in MOVES.items() if target in targets]
        with transaction.atomic():
            moved = CohortPlace.objects.filter(pk=self.pk, state=self.state, state__in=sources).update(
                **changes
            )
            if moved:
                PlaceEvent.objects.create(place=self, state=target, actor=by, at=now)
        self.refresh_from_db(fields=["state", "asked_at", "enrolled_at"])
        return bool(moved)


class PlaceEvent(models.Model):
    """That a place moved, when, and by whom; append-only."""

    place = models.ForeignKey(CohortPlace, on_delete=models.CASCADE, related_name="events")
    state = models.CharField(max_length=10, choices=PlaceState.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("event of a place")
        verbose_name_plural = _("events of places")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.place_id} {self.state}"
