"""Sums of the ledger with what the running meters hold beyond it."""

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from labs.metering.pricing import Totals
from labs.models import Meter, UsageEntry
from labs.models.ledger import microseconds


def used(
    learner_ids: Iterable[int] | None = None, *, organisation: int | None = None, since: datetime
) -> Totals:
    """What these learners, or the learners an organisation pays for, held and used since ``since``, until now.

    Entries count where they ended after ``since``, with the share that lies after it; two queries.
    """
    whose = Q(organisation_id=organisation) if learner_ids is None else Q(learner_id__in=list(learner_ids))
    now = timezone.now()
    entries = UsageEntry.objects.filter(whose)
    total = summed(entries.filter(began_at__gte=since))
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


def summed(entries: QuerySet[UsageEntry]) -> Totals:
    """The sum of the entries, in one query."""
    sums = entries.order_by().aggregate(
        millicpu_us=Sum("millicpu_us"), mib_us=Sum("mib_us"), cpu_ns=Sum("cpu_ns")
    )
    return Totals(**{name: int(value or 0) for name, value in sums.items()})
