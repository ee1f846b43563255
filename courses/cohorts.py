"""Cohorts: opening one, coming in by its way, what its instructors decide, and leaving it; never more in than seats."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from community.api import Organisation, User
from courses import classes, enrolling
from courses.models import (
    Cohort,
    CohortInstructor,
    CohortPlace,
    CoursePage,
    Enrolment,
    PlaceEvent,
    PlaceState,
    WayIn,
)
from courses.outline import outline
from courses.refusals import (
    CohortOver,
    CourseGone,
    DecidedMeanwhile,
    LastInstructor,
    LearnsInIt,
    NobodyCalledSo,
    NotAnnounced,
    TeachesIt,
    TooFewSeats,
    TurnedDown,
)


@dataclass(frozen=True)
class Terms:
    """What an organisation sets for a cohort; ``seats`` is None without a limit, both days are in it."""

    name: str
    starts_on: datetime.date
    ends_on: datetime.date
    seats: int | None
    way_in: WayIn


@transaction.atomic
def open_cohort(organisation: Organisation, course_key: UUID | str, terms: Terms, instructor: User) -> Cohort:
    """A new cohort of the course, taught by ``instructor``. Raises CourseGone when no edition is published."""
    course = outline(course_key)
    if course is None:
        raise CourseGone
    cohort = Cohort.objects.create(
        organisation=organisation,
        course_key=course.course_key,
        name=terms.name,
        starts_on=terms.starts_on,
        ends_on=terms.ends_on,
        seats=terms.seats,
        way_in=terms.way_in,
    )
    CohortInstructor.objects.create(cohort=cohort, person=instructor)
    classes.keep(cohort)
    return cohort


@transaction.atomic
def change_cohort(cohort: Cohort, terms: Terms) -> Cohort:
    """The cohort is as ``terms`` say; seats that became free go to who waits longest.

    Raises TooFewSeats when more are taken.
    """
    cohort = locked(cohort.pk)
    taken = cohort.places.enrolled().count()
    if terms.seats is not None and terms.seats < taken:
        raise TooFewSeats(taken)
    cohort.name, cohort.starts_on, cohort.ends_on = terms.name, terms.starts_on, terms.ends_on
    cohort.seats, cohort.way_in = terms.seats, terms.way_in
    cohort.save(update_fields=["name", "starts_on", "ends_on", "seats", "way_in"])
    fill(cohort)
    classes.keep(cohort)
    return cohort


@transaction.atomic
def rotate_link(cohort: Cohort) -> Cohort:
    """The cohort has a new link; the old one leads nowhere from now on."""
    cohort.link_token = Cohort._meta.get_field("link_token").get_default()
    cohort.save(update_fields=["link_token"])
    return cohort


def cohort_with(token: str) -> Cohort | None:
    """The cohort that the link with ``token`` leads to, while its way in is the link."""
    return Cohort.objects.filter(link_token=token, way_in=WayIn.LINK).select_related("organisation").first()


# --- what a learner asks ---


@transaction.atomic
def ask(person: User, cohort: Cohort, token: str = "") -> CohortPlace:
    """``person`` stands in the cohort as its way in has it: enrolled, waiting for a seat, or asking an instructor.

    Asking twice changes nothing. Raises CohortOver, NotAnnounced, TurnedDown, TeachesIt and CourseGone.
    """
    cohort = locked(cohort.pk)
    place = cohort.places.of(person).first()
    if place is not None and place.state in {PlaceState.ASKED, PlaceState.WAITING, PlaceState.ENROLLED}:
        return place
    if place is not None and place.state == PlaceState.REFUSED:
        raise TurnedDown
    if cohort.is_over():
        raise CohortOver
    if not is_let_in(person, cohort, token):
        raise NotAnnounced
    if cohort.instructors.filter(person=person).exists():
        raise TeachesIt
    target = PlaceState.ASKED if cohort.way_in == WayIn.APPROVAL else seat_or_queue(cohort)
    place = set_place(place, cohort, person, target)
    if target == PlaceState.ENROLLED:
        enrol(place)
        classes.keep(cohort)
    return place


def is_let_in(person: User, cohort: Cohort, token: str) -> bool:
    """Whether the cohort's way in is open to ``person``, who may have come by a link with ``token``."""
    if cohort.way_in == WayIn.LINK:
        return bool(token) and token == cohort.link_token
    return Cohort.objects.announced_to(person).filter(pk=cohort.pk).exists()


@transaction.atomic
def leave(person: User, cohort: Cohort) -> bool:
    """The person has no place in the cohort; False when they had none. Their seat goes to who waits longest."""
    cohort = locked(cohort.pk)
    place = cohort.places.of(person).standing().first()
    if place is None:
        return False
    give_up(place, PlaceState.LEFT, person)
    fill(cohort)
    classes.keep(cohort)
    return True


@transaction.atomic
def leave_course(learner: User, course_key: UUID | str) -> None:
    """The learner has left the course and its cohorts; what they did is kept.

    Raises enrolling.NotEnrolled, and enrolling.AlreadyCompleted when there is nothing left to leave.
    """
    held = CohortPlace.objects.standing().of(learner).filter(cohort__course_key=course_key)
    # Locked first and in one order, as everywhere: seats before enrolments.
    cohorts = [locked(pk) for pk in sorted(held.values_list("cohort_id", flat=True))]
    enrolling.withdraw(learner, course_key)
    for cohort in cohorts:
        leave(learner, cohort)


# --- what an instructor decides ---


@transaction.atomic
def admit(place: CohortPlace, by: User) -> CohortPlace:
    """Whoever asked, waits or was refused is in; without a free seat they wait for one.

    Repeating changes nothing. Raises CohortOver, TeachesIt, CourseGone, and DecidedMeanwhile when the person has left.
    """
    cohort = locked(place.cohort_id)
    place.refresh_from_db()
    if place.state == PlaceState.ENROLLED:
        return place
    if place.state == PlaceState.LEFT:
        raise DecidedMeanwhile
    if cohort.is_over():
        raise CohortOver
    if cohort.instructors.filter(person=place.person_id).exists():
        raise TeachesIt
    target = PlaceState.ENROLLED if has_seat(cohort) else PlaceState.WAITING
    if target != place.state:
        place.move(target, by)
    if target == PlaceState.ENROLLED:
        enrol(place)
        classes.keep(cohort)
    return place


@transaction.atomic
def refuse(place: CohortPlace, by: User) -> CohortPlace:
    """The person is not in the cohort, and cannot come back by themselves. Their seat goes to who waits longest.

    Repeating changes nothing. Raises DecidedMeanwhile when the person has left.
    """
    cohort = locked(place.cohort_id)
    place.refresh_from_db()
    if place.state == PlaceState.REFUSED:
        return place
    if place.state == PlaceState.LEFT:
        raise DecidedMeanwhile
    give_up(place, PlaceState.REFUSED, by)
    fill(cohort)
    classes.keep(cohort)
    return place


@transaction.atomic
def add_instructor(cohort: Cohort, name: str) -> CohortInstructor:
    """Whoever has this user name or address teaches the cohort; repeating changes nothing.

    Raises NobodyCalledSo and LearnsInIt.
    """
    cohort = locked(cohort.pk)
    person = person_called(name)
    if cohort.places.standing().of(person).exists():
        raise LearnsInIt(person.name_to_print)
    instructor, _new = CohortInstructor.objects.get_or_create(cohort=cohort, person=person)
    classes.keep(cohort)
    return instructor


def person_called(name: str) -> User:
    """Whoever has this user name or address. Raises NobodyCalledSo."""
    name = name.strip()
    named = Q(username__iexact=name) | Q(email__iexact=name)
    person = User.objects.filter(named, is_active=True).order_by("pk").first() if name else None
    if person is None:
        raise NobodyCalledSo(name)
    return person


@transaction.atomic
def remove_instructor(instructor: CohortInstructor) -> None:
    """The person teaches the cohort no more. Raises LastInstructor."""
    cohort = locked(instructor.cohort_id)
    if not cohort.instructors.exclude(pk=instructor.pk).exists():
        raise LastInstructor
    instructor.delete()
    classes.keep(cohort)


# --- seats ---


def locked(cohort_pk: int) -> Cohort:
    """The cohort; until the transaction ends nobody else decides on its seats."""
    return Cohort.objects.select_for_update().get(pk=cohort_pk)


def has_seat(cohort: Cohort) -> bool:
    free = cohort.free_seats()
    return free is None or free > 0


def seat_or_queue(cohort: Cohort) -> PlaceState:
    """Enrolled while there is a seat; nobody overtakes who waits already."""
    is_free = has_seat(cohort) and not cohort.places.waiting().exists()
    return PlaceState.ENROLLED if is_free else PlaceState.WAITING


def fill(cohort: Cohort) -> None:
    """Free seats are given to who waits, longest first; not after the last day, nor while no edition is published."""
    free = cohort.free_seats()
    waiting = cohort.places.waiting().filter(person__is_active=True).select_related("person", "cohort")
    if cohort.is_over() or not waiting.exists() or outline(cohort.course_key) is None:
        return
    for place in waiting if free is None else waiting[:free]:
        if place.move(PlaceState.ENROLLED):
            enrol(place)


def set_place(place: CohortPlace | None, cohort: Cohort, person: User, state: PlaceState) -> CohortPlace:
    """The person's place in the cohort is in ``state``, a new one where they had none."""
    if place is not None:
        place.move(state, person)
        return place
    now = timezone.now()
    place = CohortPlace.objects.create(
        cohort=cohort,
        person=person,
        state=state,
        asked_at=now,
        enrolled_at=now if state == PlaceState.ENROLLED else None,
    )
    PlaceEvent.objects.create(place=place, state=state, actor=person, at=now)
    return place


def enrol(place: CohortPlace) -> None:
    """Whoever holds the place is in the course. Raises CourseGone."""
    try:
        enrolling.enrol(place.person, place.cohort.course_key)
    except enrolling.CourseNotOffered:
        raise CourseGone from None


def give_up(place: CohortPlace, target: PlaceState, by: User) -> None:
    """The place is in ``target``; a private course that no other place opens is left with it, what was done is kept."""
    if not place.move(target, by):
        raise DecidedMeanwhile
    course_key = place.cohort.course_key
    others = CohortPlace.objects.enrolled().filter(person=place.person_id, cohort__course_key=course_key)
    if CoursePage.private_keys().filter(translation_key=course_key).exists() and not others.exists():
        unfinished = Enrolment.objects.active().filter(learner=place.person_id, course_key=course_key)
        unfinished.update(withdrawn_at=timezone.now())
