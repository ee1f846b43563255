"""What is asked of the drilled installation's own database, by its own ``manage.py shell``."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

from django.utils import timezone

from bench.chaos import MARK
from labs.lifecycle import State
from labs.models import (
    CheckRequest,
    ImageSet,
    LabSession,
    Meter,
    QueuePlace,
    Recording,
    Sandbox,
    SandboxEvent,
    UsageEntry,
)
from labs.models.ledger import microseconds, seal

# What two processes' clocks and one row's two moments may differ by.
CLOCK_US = 1000
LEAVING = frozenset({State.STOPPING, State.STOPPED})


def tell(answer: object) -> None:
    """Print ``answer`` so that it is found among whatever else the shell prints."""
    print(MARK + json.dumps(answer))


def empty_the_pool() -> None:
    """Nothing is kept ready for anybody any more."""
    ImageSet.objects.update(minimum=0, reserve=0, ceiling=0)


def unended_rows() -> dict[str, int]:
    """Rows that should have come to their end, by kind."""
    requested = CheckRequest.objects.unanswered().filter(session__closed_at=None)
    twice = Counter(Sandbox.objects.filter(session__isnull=False).values_list("session", flat=True))
    return {
        "sandboxes": Sandbox.objects.live().filter(session__isnull=False).count(),
        "pooled": Sandbox.objects.live().filter(session=None).count(),
        "sessions": LabSession.objects.open().count(),
        "sessions_with_two_sandboxes": sum(count > 1 for count in twice.values()),
        "leases": Sandbox.objects.filter(lease_until__gt=timezone.now()).count(),
        "places": QueuePlace.objects.waiting().count(),
        "checks": requested.count(),
        "meters": Meter.objects.running().filter(sandbox__state=State.STOPPED).count(),
        "recordings": Recording.objects.running().count(),
    }


def ends() -> dict[str, int]:
    """How many sandboxes ended for which reason."""
    return dict(Counter(Sandbox.objects.filter(state=State.STOPPED).values_list("reason", flat=True)))


def recordings() -> list[dict[str, str]]:
    """Where each recording is, and what it says that it lacks."""
    return [
        {
            "session": str(one.session_id),
            "node": one.node,
            "terminal": str(one.terminal),
            "epoch": one.epoch,
            "path": str(one.path),
            "lack": one.lack,
        }
        for one in Recording.objects.all()
    ]


def wrong_charges() -> list[str]:
    """Every interval charged twice, not at all, or beyond the life of its machine, in words."""
    wrong: list[str] = []
    lives = {sandbox.ref: sandbox for sandbox in Sandbox.objects.prefetch_related("nodes")}
    charged: set[tuple[str, str]] = set()
    entries = UsageEntry.objects.order_by("ref", "node", "sequence")
    for (ref, node), of_node in groupby(entries, key=lambda entry: (entry.ref, entry.node)):
        charged.add((ref, node))
        chain = list(of_node)
        place = f"{ref}/{node}"
        wrong += [f"{place} {words}" for words in _broken(chain)]
        if ref in lives:
            wrong += [f"{place} {words}" for words in _beyond(chain, lives[ref])]
    for ref, sandbox in lives.items():
        if sandbox.state == State.STOPPED and ready_us(_moves(sandbox)) > 0:
            names = {node.name for node in sandbox.nodes.all()}
            wrong += [f"{ref}/{name} was never charged" for name in names if (ref, name) not in charged]
    return wrong


def _broken(chain: list[UsageEntry]) -> Iterable[str]:
    """Intervals that overlap, leave a gap or count a cgroup's nanoseconds twice, and seals that do not fit."""
    previous = ""
    for entry in chain:
        if entry.digest != seal(entry, previous):
            yield f"{entry.sequence} has a wrong seal"
        previous = entry.digest
    for before, after in pairwise(chain):
        if after.sequence != before.sequence + 1:
            yield f"{after.sequence} follows {before.sequence}"
        if after.began_at < before.ended_at:
            yield f"{after.sequence} overlaps the one before"
        if after.began_at > before.ended_at:
            yield f"{after.sequence} leaves a gap before it"
        if after.epoch == before.epoch and after.counter_start != before.counter_end:
            yield f"{after.sequence} does not go on where the counter was"


def _beyond(chain: list[UsageEntry], sandbox: Sandbox) -> Iterable[str]:
    """What is charged as ready against how long it was."""
    if sandbox.state != State.STOPPED:
        return
    held = sum(entry.duration_us for entry in chain if entry.state == State.READY)
    was = ready_us(_moves(sandbox))
    if held > was + CLOCK_US:
        yield f"is charged {held - was} us more than it was ready"
    if held < was - CLOCK_US:
        yield f"is charged {was - held} us less than it was ready"


def _moves(sandbox: Sandbox) -> list[tuple[str, datetime]]:
    return list(SandboxEvent.objects.filter(sandbox=sandbox).order_by("pk").values_list("state", "at"))


def ready_us(moves: list[tuple[str, Any]]) -> int:
    """For how long a sandbox with this history was ready; nothing counts once it was on its way out."""
    total, since = 0, None
    for state, at in moves:
        if since is not None and state != State.READY:
            total += microseconds(since, at)
            since = None
        elif since is None and state == State.READY:
            since = at
        if state in LEAVING:
            break
    return total
