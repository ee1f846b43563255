"""Sums of the ledger with what the running meters hold beyond it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.db.models import Q, Sum
from django.utils import timezone

from labs.models import Meter, UsageEntry
from labs.models.ledger import microseconds

MICRO = 1_000_000


@dataclass(frozen=True)
class Totals:
    """Whole microseconds and nanoseconds, so that sums are exact."""

    millicpu_us: int = 0
    mib_us: int = 0
    cpu_ns: int = 0

    @property
    def cpu_seconds(self) -> Fraction:
        """Processor seconds allocated."""
        return Fraction(self.millicpu_us, 1000 * MICRO)

    @property
    def mib_seconds(self) -> Fraction:
        """MiB-seconds of memory allocated."""
        return Fraction(self.mib_us, MICRO)

    @property
    def used_cpu_seconds(self) -> Fraction:
        """Processor seconds that the cgroups counted."""
        return Fraction(self.cpu_ns, 1000 * MICRO)

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.millicpu_us + other.millicpu_us, self.mib_us + other.mib_us, self.cpu_ns + other.cpu_ns
        )


def used(
    learner_ids: Iterable[int] | None = None, *, organisation: int | None = None, since: datetime
) -> Totals:
    """What these learners, or the learners an organisation pays for, held and used since ``since``, until now.

    Entries count where they ended after ``since``, with the share that lies after it; two queries.
    """
    whose = Q(organisation_id=organisation) if learner_ids is None else Q(learner_id__in=list(learner_ids))
    now = timezone.now()
    entries = UsageEntry.objects.filter(whose)
    total = _summed(
        **entries.filter(began_at__gte=since).aggregate(
            millicpu_us=Sum("millicpu_us"), mib_us=Sum("mib_us"), cpu_ns=Sum("cpu_ns")
        )
    )
    for entry in entries.filter(began_at__lt=since, ended_at__gt=since):
        share = Fraction(microseconds(since, entry.ended_at), entry.duration_us)
        total += Totals(*(round(n * share) for n in (entry.millicpu_us, entry.mib_us, entry.cpu_ns)))
    for meter in Meter.objects.running().filter(whose):
        total += running(meter, since, now)
    return total


def running(meter: Meter, since: datetime, now: datetime) -> Totals:
    """What the meter holds beyond the ledger, as far as it lies after ``since``."""
    _duration, millicpu_us, mib_us = meter.held(now, since)
    return Totals(millicpu_us, mib_us, meter.counter - meter.counter_start)


def _summed(**sums: int | None) -> Totals:
    return Totals(**{name: int(value or 0) for name, value in sums.items()})
