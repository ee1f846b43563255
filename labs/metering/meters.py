"""From counters and moves to ledger entries: nothing counted twice, nothing lost, whoever is killed when.

What a meter has not seen is still there at the next reading: the counter in the cgroup, the moves in the sandbox's
history. A reading and the entries it ends are one transaction under the meters' lock.
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from community.api import organisations_of
from labs.drivers.base import DriverError, NodeUsage
from labs.engine import get_driver
from labs.lifecycle import State
from labs.models import Meter, Node, Sandbox, SandboxEvent, UsageEntry
from labs.models.ledger import HOLDS_MEMORY, microseconds

log = logging.getLogger(__name__)

NEVER_RAN = frozenset({State.REQUESTED, State.PROVISIONING})


def note_change(sandbox: Sandbox) -> None:
    """The ledger knows the sandbox's state and limits as they are now; repeating changes nothing.

    Call it in the transaction of the change. A call that was lost is made up for at the next reading.
    """
    _settle(sandbox.pk, {}, timezone.now())


def read(sandbox: Sandbox) -> None:
    """The ledger knows the counters of the sandbox as they are now; call it before they go. Never in a transaction."""
    read_at = timezone.now()
    try:
        readings = get_driver().usage(sandbox.ref)
    except DriverError as error:
        log.warning("the counters of %s could not be read: %s", sandbox.ref, error)
        readings = {}
    _settle(sandbox.pk, readings, read_at)


def sample() -> int:
    """Every running meter is read, and its entry written where it is due; says how many sandboxes were read."""
    read_at = timezone.now()
    readings: Mapping[str, Mapping[str, NodeUsage]] = {}
    try:
        readings = get_driver().usages()
    except DriverError as error:
        log.warning("the counters could not be read: %s", error)
    metered = Exists(Meter.objects.running().filter(sandbox=OuterRef("pk")))
    sandboxes = Sandbox.objects.filter(Q(state__in=sorted(HOLDS_MEMORY)) | metered)
    known = list(sandboxes.values_list("pk", "ref"))
    for pk, ref in known:
        _settle(pk, readings.get(ref, {}), read_at)
    return len(known)


@transaction.atomic
def _settle(sandbox_id: int, readings: Mapping[str, NodeUsage], read_at: datetime) -> None:
    # Locked before the sandbox is read, so that what is written last also knows most.
    meters = {meter.node: meter for meter in Meter.objects.select_for_update().filter(sandbox_id=sandbox_id)}
    sandbox = Sandbox.objects.select_related("session__lab").filter(pk=sandbox_id).first()
    if sandbox is None or (not meters and sandbox.state not in HOLDS_MEMORY):
        return
    seen = min((meter.event_id for meter in meters.values()), default=0)
    moves = list(sandbox.events.filter(pk__gt=seen))
    nodes = list(sandbox.nodes.all())
    for node in nodes:
        if node.name not in meters:
            meters[node.name] = _opened(sandbox, node, moves)
    by_name = {node.name: node for node in nodes}
    for name, meter in meters.items():
        if meter.closed_at is not None:
            continue
        meter.sandbox = sandbox
        entries = list(_advance(meter, sandbox, by_name.get(name), moves, readings.get(name), read_at))
        UsageEntry.objects.bulk_create(entries)
        meter.save()


def _opened(sandbox: Sandbox, node: Node, moves: list[SandboxEvent]) -> Meter:
    """The node's meter, begun when its sandbox first held anything; the lost race ends in the other's meter."""
    began = next((move for move in moves if move.state in HOLDS_MEMORY), None)
    waits = (began.state if began else sandbox.state) == State.POOLED
    meter, _created = Meter.objects.get_or_create(
        sandbox=sandbox,
        node=node.name,
        defaults={
            "state": began.state if began else sandbox.state,
            "since": began.at if began else sandbox.moved_at,
            "event_id": began.pk if began else 0,
            "millicpus": node.millicpus,
            "memory_mib": node.limit_mib,
            **(_nobody() if waits else _payer(sandbox)),
        },
    )
    return meter


def _nobody() -> dict[str, object]:
    """Whoever waits in the pool is the house's guest."""
    return {"learner_id": None, "organisation_id": None, "lab": ""}


def _payer(sandbox: Sandbox) -> dict[str, object]:
    session = sandbox.session
    if session is None:
        return _nobody()
    organisation = organisations_of([session.learner_id]).get(session.learner_id)
    return {"learner_id": session.learner_id, "organisation_id": organisation, "lab": session.lab.slug}


def _advance(
    meter: Meter,
    sandbox: Sandbox,
    node: Node | None,
    moves: list[SandboxEvent],
    reading: NodeUsage | None,
    read_at: datetime,
) -> Iterator[UsageEntry]:
    """The entries that end by what became known; ``meter`` stands at the end of the last one."""
    now = max(timezone.now(), meter.since)
    for move in moves:
        if move.pk > meter.event_id:
            yield from _moved(meter, sandbox, move.state, move.at)
            meter.event_id = move.pk
    yield from _moved(meter, sandbox, sandbox.state, sandbox.moved_at)
    if node is not None and (meter.millicpus, meter.memory_mib) != (node.millicpus, node.limit_mib):
        yield from _cut(meter, now)
        meter.millicpus, meter.memory_mib = node.millicpus, node.limit_mib
    if reading is not None and (meter.read_at is None or read_at > meter.read_at):
        yield from _counted(meter, reading, read_at)
    if sandbox.state == State.STOPPED:
        yield from _cut(meter, now)
        meter.closed_at = now
    elif microseconds(meter.since, now) >= settings.LABS_METER_ENTRY_SECONDS * 1_000_000:
        yield from _cut(meter, now)


def _cut(meter: Meter, at: datetime) -> Iterator[UsageEntry]:
    entry = meter.cut(at)
    if entry is not None:
        yield entry


def _moved(meter: Meter, sandbox: Sandbox, state: str, at: datetime) -> Iterator[UsageEntry]:
    if state == meter.state or state in NEVER_RAN:
        return
    yield from _cut(meter, at)
    meter.state = state
    if meter.learner_id is None and state != State.POOLED:
        for name, value in _payer(sandbox).items():
            setattr(meter, name, value)


def _counted(meter: Meter, reading: NodeUsage, read_at: datetime) -> Iterator[UsageEntry]:
    """The counter went on, or another one began at 0 because the node was made anew."""
    if meter.epoch and (reading.epoch != meter.epoch or reading.cpu_ns < meter.counter):
        yield from _cut(meter, read_at)
        meter.counter_start = 0
    elif meter.read_at is not None:
        passed_ms = microseconds(meter.read_at, read_at) // 1000
        meter.memory_kib_ms += reading.memory_bytes // 1024 * passed_ms
    meter.epoch, meter.counter, meter.read_at = reading.epoch, reading.cpu_ns, read_at
