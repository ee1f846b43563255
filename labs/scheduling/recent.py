"""Who had how much lately: the base of everybody's fair share, and of how long places are kept."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from community.api import organisations_of
from labs.lifecycle import State
from labs.models import Allowance, LabSession, QueuePlace, Sandbox
from labs.scheduling.amounts import WHOLE_PPM, Amount
from labs.scheduling.fairness import Shares

HISTORY = 60
# Of the sessions that ended lately, the share that left before the time taken for the lower expectation.
EARLY = 4
# What is taken for the share of their time that early leavers stay, before there is a history.
GUESS_PERCENT = 25


def cost(need: Amount, whole: Amount, lasted_ms: int) -> int:
    """Millionths of the host times milliseconds."""
    return need.share_ppm(whole) * max(1, lasted_ms)


def milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def shares(places: Iterable[QueuePlace], whole: Amount) -> Shares:
    """What the parties and people of ``places`` have had in the last LABS_FAIR_HOURS, in three queries.

    Whoever still has a sandbox is charged for all of its time; when they leave early the rest is given back.
    """
    now = timezone.now()
    since = now - timedelta(hours=settings.LABS_FAIR_HOURS)
    rows = Sandbox.objects.filter(requested_at__gt=since, session__isnull=False).values_list(
        "session__learner_id", "millicpus", "memory_mib", "requested_at", "stopped_at", "session__expires_at"
    )
    by_person: dict[int, int] = defaultdict(int)
    for learner, cpus, memory, begun_at, stopped_at, expires_at in rows.order_by():
        until = stopped_at or max(now, expires_at)
        by_person[learner] += cost(Amount(cpus, memory), whole, milliseconds(until - begun_at))
    organisations = organisations_of(list(by_person))
    by_party: dict[int | None, int] = defaultdict(int)
    for learner, had in by_person.items():
        by_party[organisations.get(learner)] += had
    weights: dict[int | None, int] = {None: settings.LABS_FAIR_PUBLIC_WEIGHT}
    wanted = {place.organisation_id for place in places}
    weights |= dict(
        Allowance.objects.filter(organisation__in=wanted - {None}).values_list("organisation_id", "weight")
    )
    ageing = WHOLE_PPM * settings.LABS_FAIR_AGEING_PERCENT // 100
    return Shares(by_party, by_person, weights, ageing)


def early_percent() -> int:
    """Of their lab's time, the hundredths after which the first quarter of the latest sessions had ended."""
    rows = (
        LabSession.objects.filter(closed_at__isnull=False, sandboxes__isnull=False)
        .order_by("-closed_at")
        .values_list("opened_at", "closed_at", "lab__minutes")[:HISTORY]
    )
    stayed = sorted(
        min(100, milliseconds(closed - opened) * 100 // (minutes * 60_000))
        for opened, closed, minutes in rows
        if closed is not None
    )
    return max(1, stayed[len(stayed) // EARLY]) if len(stayed) >= EARLY else GUESS_PERCENT


def holdings(now: datetime, early: int) -> list[tuple[Amount, int, int]]:
    """What each live sandbox holds, and after how many seconds it may end: as the early leave, and at the latest."""
    rows = Sandbox.objects.live().values_list(
        "millicpus", "memory_mib", "state", "session__opened_at", "session__expires_at"
    )
    held = []
    for cpus, memory, state, opened_at, expires_at in rows:
        low_s, high_s = 0, 0
        if opened_at is not None and state != State.STOPPING:
            whole_s = (expires_at - opened_at).total_seconds()
            spent_s = (now - opened_at).total_seconds()
            high_s = max(0, round(whole_s - spent_s))
            low_s = min(high_s, max(0, round(whole_s * early / 100 - spent_s)))
        held.append((Amount(cpus, memory), low_s, high_s))
    return held
