"""What there is at all of that which most installations have little of: what there is not need not be asked for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Exists

from labs.models import Allowance, Booking, Budget, Host, QueuePlace

# Stands in the question for the moment that is asked about.
SOME_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class InForce:
    """Whether there are allowances, budgets that stop, people in the queue, and classes to come."""

    allowances: bool
    budgets: bool
    queue: bool
    bookings: bool


def in_force(now: datetime) -> InForce:
    """One question instead of one for each; call it with the turn taken, which also makes the host's row."""
    question, values = _question(connection.vendor)
    moment = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(question, [*values[:-1], moment])
        return InForce(*map(bool, cursor.fetchone()))


@lru_cache
def _question(_vendor: str) -> tuple[str, tuple[Any, ...]]:
    """In the database's words, put together once, as that takes longer than the answer; the last value is the moment."""
    found = Host.objects.order_by().values_list(
        Exists(Allowance.objects.limiting()),
        Exists(Budget.objects.current().filter(stops=True)),
        Exists(QueuePlace.objects.waiting()),
        Exists(Booking.objects.standing().filter(ends_at__gt=SOME_MOMENT)),
    )
    question, values = found.query.sql_with_params()
    return question, tuple(values)
