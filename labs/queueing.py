"""The queue for sandboxes: who waits, who is let in next, who gave up. Places change hands with the turn taken."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from community.api import organisation_of
from labs import notices, pool
from labs.models import Booking, Host, Lab, LabSession, Outcome, QueuePlace
from labs.refusals import HostFull
from labs.scheduling import hosts, recent
from labs.scheduling.allowances import Turns
from labs.scheduling.amounts import Amount
from labs.scheduling.fairness import Wish, order
from labs.scheduling.forecast import Holding, Wanted, waits_s
from labs.scheduling.inforce import InForce
from labs.scheduling.rooms import Room, free, purpose_of, room
from labs.scheduling.seating import ends_at, seat

log = logging.getLogger(__name__)

EPOCH = datetime(2020, 1, 1, tzinfo=timezone.get_default_timezone())
# When the pool is told of a class, and how long after its begin latecomers still find it warm.
BEFORE_CLASS = timedelta(minutes=10)
INTO_CLASS = timedelta(minutes=10)
# An expectation that moved by less is no news.
NEWS_S = 30


@dataclass
class Admission:
    """What letting people in takes: sandboxes to make, and sandboxes of the pool that give way to them."""

    provision: list[int] = field(default_factory=list)
    stop: list[int] = field(default_factory=list)


def nobody_waits() -> bool:
    return not QueuePlace.objects.waiting().exists()


def opening(session: LabSession, need: Amount, host: Host, force: InForce) -> Room | None:
    """The room that the session may begin in at once; None when it must wait. Call it with the turn taken."""
    if _is_closed(host):
        return None
    some_wait = force.queue
    if some_wait and session.booking_id is None:
        return None
    there = room(timezone.now(), host, has_promises=force.bookings)
    purpose = purpose_of(session.kind, session.booking_id)
    left = there.left_for(purpose, session.expires_at)
    if some_wait:
        left = left.at_most(there.kept_for(purpose, session.expires_at))
    return there if need.fits(left) else None


def enter(session: LabSession, need: Amount, there: Room | None) -> Admission:
    """The session has its sandbox in the room ``there``, or a place in the queue; others may have been let in as well.

    Call it with the turn taken.
    """
    owed = Admission()
    if there is not None and _pool_gives_way(need, there, owed):
        try:
            owed.provision.append(seat(session, need).pk)
        except HostFull:
            log.info("no uid or subnet is left; %s waits", session.pk)
        else:
            return owed
    QueuePlace.objects.create(
        session=session,
        organisation_id=organisation_of(session.learner),
        millicpus=need.millicpus,
        memory_mib=need.memory_mib,
    )
    admitted = admit()
    session.refresh_from_db()
    return Admission(admitted.provision, owed.stop + admitted.stop)


def _pool_gives_way(need: Amount, there: Room, owed: Admission) -> bool:
    """Whether the memory is there, sandboxes of the pool having left it where they must."""
    if not there.holds_pool or need.memory_mib <= free().memory_mib:
        return True
    given_back = pool.give_way(need.memory_mib)
    owed.stop += given_back
    return bool(given_back)


@transaction.atomic
def admit() -> Admission:
    """Whoever's turn it is and whom there is room for is let in. Safe to repeat.

    Those whose learner was not seen for LABS_QUEUE_KEEP_MINUTES are out first. The first who does not fit holds up
    all behind, so that small labs cannot starve a large one; only what is kept for a purpose is still given to it.
    """
    owed = Admission()
    if nobody_waits():
        return owed
    host = hosts.take_turns()
    now = timezone.now()
    _lapse(now)
    if _is_closed(host):
        _stand_still()
        return owed
    there, staying, held_up = room(now, host), [], False
    line = _in_turn()
    turns = Turns(line)
    for place in line:
        need = Amount(place.millicpus, place.memory_mib)
        purpose = purpose_of(place.session.kind, place.session.booking_id)
        until = ends_at(place.session.lab, place.session.booking, now)
        left = there.kept_for(purpose, until) if held_up else there.left_for(purpose, until)
        if need.fits(left) and turns.used_up(place):
            leave(place.session, Outcome.USED_UP)
            continue
        fits = need.fits(left) and _pool_gives_way(need, there, owed)
        sandbox_id = _let_in(place, need, now) if fits else None
        if sandbox_id is None:
            # What no longer fits even an empty host waits for a larger one, in nobody's way.
            held_up = held_up or need.fits(hosts.most_for(purpose))
            staying.append(place)
        else:
            there.take(need, purpose, until)
            owed.provision.append(sandbox_id)
    _reckon(staying, there, now)
    return owed


@transaction.atomic
def leave(session: LabSession, outcome: Outcome = Outcome.LEFT) -> bool:
    """The place is given up and the session over; False when it was let in or had left before."""
    hosts.take_turns()
    left = (
        QueuePlace.objects.waiting()
        .filter(session=session)
        .update(ended_at=timezone.now(), outcome=outcome, position=0)
    )
    if left:
        session.close()
    return bool(left)


def _is_closed(host: Host) -> bool:
    """Whether nobody begins: an operator wants it so, or the host has too little left."""
    return host.draining_at is not None or bool(hosts.strain(host))


def prepare_classes(now: datetime) -> None:
    """The pool makes ready what the classes that begin soon will ask for. Repeating changes nothing."""
    soon = Booking.objects.upcoming(now).filter(
        begins_at__lte=now + BEFORE_CLASS, begins_at__gt=now - INTO_CLASS
    )
    seats: dict[int, int] = {}
    until: dict[int, datetime] = {}
    for booking in soon.select_related("lab").annotate(held=Count("sessions")):
        seats[booking.lab_id] = seats.get(booking.lab_id, 0) + max(0, booking.seats - booking.held)
        until[booking.lab_id] = max(until.get(booking.lab_id, now), booking.begins_at + INTO_CLASS)
    for lab in Lab.objects.filter(pk__in=seats):
        pool.expect(lab, seats[lab.pk], until[lab.pk])


def seen(session_id: UUID) -> None:
    """The learner is still there, so the place is kept."""
    QueuePlace.objects.waiting().filter(session=session_id).update(seen_at=timezone.now())


def _lapse(now: datetime) -> None:
    long_ago = now - timedelta(minutes=settings.LABS_QUEUE_KEEP_MINUTES)
    for place in QueuePlace.objects.waiting().unseen_since(long_ago).select_related("session"):
        leave(place.session, Outcome.LAPSED)


def _in_turn() -> list[QueuePlace]:
    """Everybody who waits, in the order of their turns."""
    places = {
        p.pk: p for p in QueuePlace.objects.waiting().select_related("session__lab", "session__booking")
    }
    whole = hosts.capacity()
    wishes = [
        Wish(
            id=place.pk,
            party=place.organisation_id,
            person=place.session.learner_id,
            cost=recent.cost(
                Amount(place.millicpus, place.memory_mib), whole, place.session.lab.minutes * 60_000
            ),
            joined_ms=recent.milliseconds(place.joined_at - EPOCH),
        )
        for place in places.values()
    ]
    return [places[wish.id] for wish in order(wishes, recent.shares(places.values(), whole))]


def _let_in(place: QueuePlace, need: Amount, now: datetime) -> int | None:
    try:
        sandbox = seat(place.session, need)
    except HostFull:
        return None
    LabSession.objects.filter(pk=place.session_id).update(
        opened_at=now, expires_at=ends_at(place.session.lab, place.session.booking, now)
    )
    QueuePlace.objects.filter(pk=place.pk).update(
        ended_at=now, outcome=Outcome.ADMITTED, position=0, expected_from=None, expected_until=None
    )
    return sandbox.pk


def _reckon(line: list[QueuePlace], there: Room, now: datetime) -> None:
    """Everybody in ``line`` knows their position and when their turn may come; only news is written and told."""
    if not line:
        return
    changed = []
    expected = _expected_s(line, there, now)
    for position, (place, (low, high)) in enumerate(zip(line, expected, strict=True), 1):
        moments = (now + timedelta(seconds=low), now + timedelta(seconds=high))
        if place.position == position and not _is_news(place, moments):
            continue
        place.position = position
        place.expected_from, place.expected_until = moments
        changed.append(place)
    QueuePlace.objects.bulk_update(changed, ["position", "expected_from", "expected_until"])
    for place in changed:
        notices.session_changed(place.session_id)


def _stand_still() -> None:
    """Everybody who waits knows their position, and that nobody can say how long it takes."""
    changed = []
    for position, place in enumerate(_in_turn(), 1):
        if (place.position, place.expected_from) != (position, None):
            place.position, place.expected_from, place.expected_until = position, None, None
            changed.append(place)
    QueuePlace.objects.bulk_update(changed, ["position", "expected_from", "expected_until"])
    for place in changed:
        notices.session_changed(place.session_id)


def _is_news(place: QueuePlace, moments: tuple[datetime, datetime]) -> bool:
    known = (place.expected_from, place.expected_until)
    return any(
        was is None or abs((was - will).total_seconds()) >= NEWS_S
        for was, will in zip(known, moments, strict=True)
    )


def _expected_s(line: list[QueuePlace], there: Room, now: datetime) -> list[tuple[int, int]]:
    early = recent.early_percent()
    soon, late = [], []
    for amount, low_s, high_s in recent.holdings(now, early):
        soon.append(Holding(amount, low_s))
        late.append(Holding(amount, high_s))
    first = line[0].session
    purpose = purpose_of(first.kind, first.booking_id)
    free = there.left_for(purpose, now + timedelta(minutes=first.lab.minutes))
    wanted = [(Amount(p.millicpus, p.memory_mib), p.session.lab.minutes * 60) for p in line]
    low = waits_s(free, soon, (Wanted(amount, lasts_s * early // 100) for amount, lasts_s in wanted))
    high = waits_s(free, late, (Wanted(amount, lasts_s) for amount, lasts_s in wanted))
    return [(min(a, b), max(a, b)) for a, b in zip(low, high, strict=True)]
