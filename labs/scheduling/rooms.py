"""What is free now and until when, with what others hold and what is promised to whom."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from labs.lifecycle import StartKind
from labs.models import Booking, Host, Sandbox
from labs.refusals import HostFull
from labs.scheduling import hosts
from labs.scheduling.amounts import NOTHING, Amount
from labs.scheduling.timeline import Span, peak, without

POOL = "pool"
# Whoever should be gone still holds what they hold.
SOON = timedelta(minutes=1)
ALWAYS = timedelta(days=36500)


@dataclass
class Room:
    """The host's time line from ``now`` on: what is held until when, and what is promised to a purpose."""

    whole: Amount
    now: datetime
    spans: list[Span]
    # What may be given now at most, whatever the time line says.
    limit: Amount | None = None

    def left_for(self, purpose: Hashable, until: datetime) -> Amount:
        """What a sandbox for ``purpose`` that goes on until then may be taken from, every promise to others kept."""
        others = [
            span
            for span in self.spans
            if span.purpose != POOL and not (span.is_promise and span.purpose == purpose)
        ]
        left = self.whole - peak(others, self.now, max(until, self.now + SOON))
        return left if self.limit is None else left.at_most(self.limit)

    @property
    def holds_pool(self) -> bool:
        """Whether sandboxes of nobody hold memory, which they leave when somebody needs it."""
        return any(span.purpose == POOL for span in self.spans)

    def kept_for(self, purpose: Hashable, until: datetime) -> Amount:
        """What nobody but ``purpose`` may take now."""
        promised = (
            span.amount
            for span in self.spans
            if span.is_promise and span.purpose == purpose and span.begins_at <= self.now < span.ends_at
        )
        return sum(promised, NOTHING).at_most(self.left_for(purpose, until))

    def take(self, need: Amount, purpose: Hashable, until: datetime) -> None:
        """``need`` is held until then, first of what was promised for it."""
        self.spans = [*without(self.spans, need, purpose), Span(self.now, until, need, purpose)]
        if self.limit is not None:
            self.limit -= need


def room(now: datetime, host: Host | None = None, *, has_promises: bool = True) -> Room:
    """What the host can give now, of memory no more than is measured to be there on ``host``; call it with the turn taken.

    Promises to classes are looked for unless the caller knows that there are none.
    """
    spans = holdings(now)
    held: dict[Hashable, Amount] = {}
    for span in spans:
        held[span.purpose] = held.get(span.purpose, NOTHING) + span.amount
    exams = (hosts.exam_seats() - held.get(StartKind.EXAM.value, NOTHING)).at_least(NOTHING)
    if exams != NOTHING:
        spans.append(Span(now, now + ALWAYS, exams, StartKind.EXAM.value, is_promise=True))
    unused = hosts.unused_mib(host) if host is not None else None
    limit = None if unused is None else Amount(hosts.capacity_millicpus(), unused)
    promised = promises(now, held) if has_promises else []
    return Room(hosts.capacity(), now, [*spans, *promised], limit)


def holdings(now: datetime) -> list[Span]:
    """What every live sandbox holds, and until when."""
    rows = Sandbox.objects.live().leaving_out_drained()
    spans = []
    for cpus, memory, kind, booking, expires_at in rows.values_list(
        "millicpus", "memory_mib", "session__kind", "session__booking_id", "session__expires_at"
    ):
        if kind is None:
            # What stands frozen in the pool holds memory, but no processor.
            spans.append(Span(now, now + ALWAYS, Amount(0, memory), POOL))
        else:
            until = max(expires_at, now + SOON)
            spans.append(Span(now, until, Amount(cpus, memory), purpose_of(kind, booking)))
    return spans


def free() -> Amount:
    """What nobody holds, the pool included; below zero where more is held than there should be."""
    now = timezone.now()
    return hosts.capacity() - peak(holdings(now), now, now + SOON)


def ensure_room(millicpus: int, memory_mib: int, host: Host | None = None) -> None:
    """Raises HostFull when the host cannot give that much more; call it with the turn taken."""
    now = timezone.now()
    left = room(now, host if memory_mib else None).left_for(None, now + SOON).at_most(free())
    if not Amount(millicpus, memory_mib).fits(left):
        raise HostFull(_("All lab places are taken."))


def promises(now: datetime, held: dict[Hashable, Amount] | None = None) -> list[Span]:
    """What is still promised to each class that is not over, less what its attendees hold."""
    rows = Booking.objects.upcoming(now).values_list(
        "pk", "begins_at", "ends_at", "seats", "millicpus", "memory_mib"
    )
    spans = []
    for pk, begins_at, ends_at, seats, cpus, memory in rows:
        purpose = purpose_of(StartKind.CLASS, pk)
        left = Amount(cpus, memory) * seats - (held or {}).get(purpose, NOTHING)
        spans.append(Span(begins_at, ends_at, left.at_least(NOTHING), purpose, is_promise=True))
    return spans


def purpose_of(kind: str | None, booking_id: int | None) -> Hashable:
    """What a sandbox is for, as far as seats are kept for it."""
    return ("booking", booking_id) if booking_id is not None else str(kind or "")
