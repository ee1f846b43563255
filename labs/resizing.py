"""What workers do so that a running node has the limits its learner wished; refused with figures where it cannot."""

import logging

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from labs import leases, metering
from labs.drivers.base import DriverBusy, DriverError, MemoryInUse
from labs.engine import get_driver
from labs.models import Node, Resize, Sandbox
from labs.models.resizing import Problem
from labs.models.resting import RESTABLE

log = logging.getLogger(__name__)

RETRY_AFTER_S = 2


def resize_nodes(sandbox_id: int) -> None:
    """Every resize that was asked for is answered, or the sweep will ask again. Safe to repeat and at the same time."""
    sandbox = Sandbox.objects.select_related("session").filter(pk=sandbox_id).first()
    if sandbox is None:
        return
    if sandbox.state not in RESTABLE:
        for wish in _wishes(sandbox):
            _answer(sandbox, wish, Problem.ENDED)
        return
    token = leases.take_soon(sandbox)
    if token is None:
        return
    for wish in _wishes(sandbox):
        try:
            _resize(sandbox, wish)
        except DriverBusy as error:
            log.warning("sandbox %s could not be resized yet: %s", sandbox.ref, error)
            sandbox.release_lease(token, retry_after_s=RETRY_AFTER_S)
            return
    sandbox.release_lease(token)


def _wishes(sandbox: Sandbox) -> list[Resize]:
    return list(Resize.objects.unanswered().filter(node__sandbox=sandbox).select_related("node"))


def _resize(sandbox: Sandbox, wish: Resize) -> None:
    try:
        get_driver().resize(
            sandbox.ref, wish.node.name, cpus=wish.millicpus / 1000, memory_mib=wish.memory_mib
        )
    except DriverBusy:
        raise
    except MemoryInUse as error:
        _answer(sandbox, wish, Problem.IN_USE, in_use_mib=error.in_use_mib, detail=str(error))
    except DriverError as error:
        _answer(sandbox, wish, Problem.ENGINE, detail=str(error))
    else:
        _answer(sandbox, wish, Problem.NONE)


@transaction.atomic
def _answer(
    sandbox: Sandbox, wish: Resize, problem: Problem, *, in_use_mib: int = 0, detail: str = ""
) -> None:
    """What was taken from the host for the wish and is not needed is given back; the meter counts the new size."""
    answered = Resize.objects.unanswered().filter(pk=wish.pk)
    if not answered.update(answered_at=timezone.now(), problem=problem, in_use_mib=in_use_mib, detail=detail):
        return
    cpus, memory = wish.millicpus - wish.millicpus_before, wish.memory_mib - wish.memory_mib_before
    kept_cpus, kept_memory = (
        (min(0, cpus), min(0, memory)) if not problem else (-max(0, cpus), -max(0, memory))
    )
    Sandbox.objects.filter(pk=sandbox.pk).update(
        millicpus=F("millicpus") + kept_cpus, memory_mib=F("memory_mib") + kept_memory
    )
    sandbox.refresh_from_db()
    size = f"{wish.millicpus / 1000:g} cpus, {wish.memory_mib} MiB"
    if problem:
        sandbox.record(
            sandbox.state, detail=f"node {wish.node.name} kept its size instead of {size}: {detail}"
        )
        return
    Node.objects.filter(pk=wish.node_id).update(millicpus=wish.millicpus, memory_mib=wish.memory_mib)
    metering.note_change(sandbox)
    sandbox.record(sandbox.state, detail=f"node {wish.node.name} now has {size}")
