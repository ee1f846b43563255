"""One limit that holds for a learner, how much of it is used, and how people are told."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from labs.models import Allowance, Kind, Period

WARNS_AT = 80
USED_UP = 100
HOUR_S = 3600
MIB_HOUR_S = 1024 * HOUR_S


@dataclass(frozen=True)
class Limit:
    """``used`` of ``most``: labs open at once, or whole seconds of a processor or a MiB since ``began_at``.

    ``allowance`` is None where the installation's settings say it; ``learner`` is whose use counts, None where it is
    that of all people of a class or an organisation.
    """

    kind: Kind
    most: int
    used: int
    allowance: Allowance | None = None
    learner: int | None = None
    began_at: datetime | None = None
    renews_at: datetime | None = None

    @property
    def left(self) -> int:
        return max(0, self.most - self.used)

    @property
    def is_used_up(self) -> bool:
        return self.used >= self.most

    @property
    def is_amount(self) -> bool:
        """Whether it is given anew each period, and not a number of labs at once."""
        return self.kind != Kind.SANDBOXES

    @property
    def percent(self) -> int:
        return self.used * 100 // self.most if self.most else USED_UP

    @property
    def tightness(self) -> Fraction:
        """The share that is used; 1 and more is used up."""
        return Fraction(self.used, self.most) if self.most else Fraction(1)


def period_around(period: str, now: datetime) -> tuple[datetime, datetime]:
    """The calendar day, week (from Monday) or month around ``now``, where the installation is."""
    day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == Period.DAY:
        return day, day + timedelta(days=1)
    if period == Period.WEEK:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def whose(limit: Limit) -> str:
    """The class or organisation that shares it; empty where it is the learner's alone."""
    allowance = limit.allowance
    if allowance is None or limit.learner is not None:
        return ""
    if allowance.taught_class is not None:
        return _("class “%(name)s”") % {"name": allowance.taught_class.name}
    return str(allowance.organisation)


def quantity(kind: str, count: int) -> str:
    """Labs, hours of a processor or hours of a GiB, in words."""
    if kind == Kind.CPU:
        return _("%(hours)s processor hours") % {"hours": _hours(count, HOUR_S)}
    if kind == Kind.MEMORY:
        return _("%(hours)s GiB hours") % {"hours": _hours(count, MIB_HOUR_S)}
    return str(count)


def _hours(count: int, hour: int) -> str:
    hours = count / hour
    return f"{hours:.3f}" if 0 < hours < 1 else f"{hours:.1f}"


def refusal_of(limit: Limit) -> tuple[str, str]:
    """That nothing is left of the limit, and what to do about it."""
    circle = whose(limit)
    words = {"whose": circle, "most": quantity(limit.kind, limit.most), "renews": renewal(limit)}
    if limit.is_amount:
        used_up = (
            _("The allowance of %(whose)s is used up: %(most)s.")
            if circle
            else _("Your allowance is used up: %(most)s.")
        )
        remedy = _("It is given anew on %(renews)s. If you need more before, ask the operator of this site.")
        return used_up % words, remedy % words
    if circle:
        full = _("%(whose)s has as many labs open as it may at once: %(most)s.")
        return full % words, _("Try again when somebody has finished, or ask the operator for more.")
    return (
        _("You have as many labs open as you may at once: %(most)s.") % words,
        _("Finish or leave one of them first; then this lab can start."),
    )


def renewal(limit: Limit) -> str:
    """When the amount is given anew; empty for a number of labs."""
    return f"{timezone.localtime(limit.renews_at):%Y-%m-%d %H:%M}" if limit.renews_at else ""


def lasts_s(limit: Limit, millicpus: int, memory_mib: int) -> int:
    """For how many seconds what is left of the amount is enough for machines that hold so much."""
    if limit.kind == Kind.CPU:
        return limit.left * 1000 // max(1, millicpus)
    return limit.left // max(1, memory_mib)


def duration(seconds: int) -> str:
    """Hours and minutes in words, rounded down."""
    hours, minutes = divmod(seconds // 60, 60)
    if not hours:
        return _("%(minutes)d min") % {"minutes": minutes}
    return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}


def running_low(limit: Limit) -> str:
    """That most of it is used, for somebody whose lab runs."""
    return _("%(percent)d %% of an allowance is used; %(left)s are left until %(renews)s.") % {
        "percent": limit.percent,
        "left": quantity(limit.kind, limit.left),
        "renews": renewal(limit),
    }


def body_of(limit: Limit) -> dict[str, Any]:
    """The limit as JSON says it."""
    return {
        "kind": limit.kind.value,
        "title": str(limit.kind.label),
        "of": whose(limit),
        "most": limit.most,
        "used": limit.used,
        "left": limit.left,
        "percent": limit.percent,
        "period": limit.allowance.period if limit.allowance and limit.is_amount else None,
        "renews_at": limit.renews_at,
        "most_words": quantity(limit.kind, limit.most),
        "left_words": quantity(limit.kind, limit.left),
    }


def row_of(limit: Limit) -> dict[str, Any]:
    """The limit as pages list it."""
    return {
        **body_of(limit),
        "shown": min(limit.percent, USED_UP),
        "renewal": renewal(limit),
    }
