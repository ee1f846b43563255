"""The numbers of the operators' page and its lists."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from labs import scheduling
from labs.lifecycle import State
from labs.metering.rates import bills, money
from labs.models import ImageSet, LabSession, QueuePlace, Sandbox

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Share:
    """How much of something is promised: millicpus or MiB."""

    used: int
    of: int

    @property
    def used_processors(self) -> str:
        return f"{self.used / 1000:g}"

    @property
    def of_processors(self) -> str:
        return f"{self.of / 1000:g}"

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.used / self.of)) if self.of else 0


def counts() -> dict[str, int]:
    """Live sandboxes by state, every state named."""
    found = dict(Sandbox.objects.live().order_by().values_list("state").annotate(n=Count("pk")))
    return {state.value: found.get(state.value, 0) for state in State if state != State.STOPPED}


def shares() -> tuple[Share, Share]:
    """Processor time and memory promised to live sandboxes, of what may be promised."""
    used = Sandbox.objects.live().aggregate(cpus=Sum("millicpus"), memory=Sum("memory_mib"))
    return (
        Share(used["cpus"] or 0, scheduling.capacity_millicpus()),
        Share(used["memory"] or 0, scheduling.capacity_mib()),
    )


def today() -> dict[str, int]:
    """Sessions opened and passed, and sandboxes lost, within 24 hours."""
    since = timezone.now() - DAY
    sessions = LabSession.objects.filter(opened_at__gt=since)
    return {
        "opened": sessions.count(),
        "passed": LabSession.objects.filter(passed_at__gt=since).count(),
        "failed": Sandbox.objects.filter(stopped_at__gt=since, reason="failed").count(),
    }


def pool() -> QuerySet[Any]:
    """Every set of machines that may wait in the pool, with ``ready``: how many do now."""
    pooled = Count("sandboxes", filter=Q(sandboxes__state=State.POOLED))
    return ImageSet.objects.annotate(ready=pooled).filter(Q(ceiling__gt=0) | Q(ready__gt=0))


def queue() -> QuerySet[QueuePlace]:
    """Who waits for machines, in the order in which they are expected to get them."""
    waiting = QueuePlace.objects.waiting().select_related("session__learner", "session__lab")
    return waiting.order_by("position", "joined_at")


def sandboxes(*, live: bool, words: str = "") -> QuerySet[Sandbox]:
    """Live or ended sandboxes, the newest first, with what a list shows of them in one query.

    Every word of ``words`` occurs in the ref, the lab, or the learner's name.
    """
    found = Sandbox.objects.live() if live else Sandbox.objects.filter(state=State.STOPPED)
    for word in words.split()[:8]:
        found = found.filter(
            Q(ref__icontains=word)
            | Q(session__learner__username__icontains=word)
            | Q(session__learner__email__icontains=word)
            | Q(session__lab__slug__icontains=word)
            | Q(session__lab__title_zh__icontains=word)
            | Q(session__lab__title_en__icontains=word)
        )
    return found.select_related("session__learner", "session__lab").order_by("-pk")


def with_costs(sandboxes: Iterable[Sandbox]) -> list[dict[str, Any]]:
    """Each with what it has cost until now, in words; empty where nothing costs."""
    shown = list(sandboxes)
    found = bills(shown)
    costs = {ref: money(bill.so_far, bill.currency) for ref, bill in found.items()}
    return [{"sandbox": sandbox, "cost": costs.get(sandbox.ref, "")} for sandbox in shown]
