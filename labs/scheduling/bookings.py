"""Seats for a class: promised when they can be kept, refused with a better time when they cannot."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from community.api import User
from labs.models import Booking, Lab, TaughtClass
from labs.refusals import BookingRefused
from labs.scheduling import hosts, rooms
from labs.scheduling.needs import needs
from labs.scheduling.timeline import first_fit

# Work that began a moment ago may still be booked.
LATE = timedelta(minutes=5)


@dataclass(frozen=True)
class Wish:
    """What an instructor wants to book."""

    lab: Lab
    title: str
    seats: int
    begins_at: datetime
    ends_at: datetime
    taught_class: TaughtClass | None = None


@transaction.atomic
def book(instructor: User, wish: Wish, attendees: Iterable[User] = ()) -> Booking:
    """The seats are promised for the whole time. Raises BookingRefused, saying when they could be had."""
    hosts.take_turns()
    now = timezone.now()
    _ensure_sensible(wish, now)
    one_seat = needs(wish.lab)
    room = rooms.room(now)
    whole = one_seat * wish.seats
    moment = first_fit(whole, room.whole, room.spans, max(now, wish.begins_at), wish.ends_at)
    if moment is None:
        raise BookingRefused(
            _("There will never be room for %(seats)d at once.") % {"seats": wish.seats},
            _("The host has room for %(most)d of this lab; book fewer seats, or split the class.")
            % {"most": most_seats(wish.lab)},
        )
    if moment > max(now, wish.begins_at):
        raise BookingRefused(
            _("There is no room for %(seats)d seats then; others were promised them.")
            % {"seats": wish.seats},
            _("There is room from %(time)s on for as long as you ask.")
            % {"time": date_format(timezone.localtime(moment), "DATETIME_FORMAT")},
            fits_at=moment,
        )
    booking = Booking.objects.create(
        lab=wish.lab,
        instructor=instructor,
        title=wish.title,
        taught_class=wish.taught_class,
        seats=wish.seats,
        millicpus=one_seat.millicpus,
        memory_mib=one_seat.memory_mib,
        begins_at=wish.begins_at,
        ends_at=wish.ends_at,
    )
    booking.attendees.set(list(attendees)[: wish.seats])
    return booking


def _ensure_sensible(wish: Wish, now: datetime) -> None:
    if wish.begins_at < now - LATE:
        raise BookingRefused(_("The time has passed."), _("Choose a time to come."))
    longest = timedelta(hours=settings.LABS_BOOKING_HOURS)
    if wish.ends_at - wish.begins_at > longest:
        raise BookingRefused(
            ngettext(
                "A class lasts %(hours)d hour at most.",
                "A class lasts %(hours)d hours at most.",
                settings.LABS_BOOKING_HOURS,
            )
            % {"hours": settings.LABS_BOOKING_HOURS},
            _("Book several classes."),
        )


def most_seats(lab: Lab) -> int:
    """How many of ``lab`` the host can hold at once if there is nothing else."""
    one, whole = needs(lab), hosts.most_for("")
    return min(whole.millicpus // max(1, one.millicpus), whole.memory_mib // max(1, one.memory_mib))


@transaction.atomic
def join(learner: User, code: str) -> Booking:
    """The learner attends; repeating changes nothing. Raises Booking.DoesNotExist, or BookingRefused when it is full."""
    hosts.take_turns()
    booking = Booking.objects.upcoming(timezone.now()).select_related("lab").get(code=code)
    attending = set(booking.people().values_list("pk", flat=True))
    if learner.pk not in attending and len(attending) >= booking.seats:
        raise BookingRefused(
            _("All seats of this class are taken."),
            _("Ask your instructor to book more, or start the lab without a seat."),
        )
    if learner.pk not in attending:
        booking.attendees.add(learner)
    return booking


@transaction.atomic
def cancel(booking: Booking) -> bool:
    """The seats are free for others; False when it was cancelled before. Sessions that run go on."""
    hosts.take_turns()
    done = Booking.objects.standing().filter(pk=booking.pk).update(cancelled_at=timezone.now())
    booking.refresh_from_db()
    return bool(done)


def current(learner: User, lab: Lab, now: datetime) -> Booking | None:
    """The class in which the learner may start ``lab`` now."""
    found = Booking.objects.running(now).attended_by(learner).filter(lab=lab)
    return next((booking for booking in found if booking.seat_for(learner)), None)
