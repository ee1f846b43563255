"""What workers do to sandboxes. Every verb may run twice or be lost: the lease fences, the sweep repairs."""

import logging
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from labs import metering, metrics, notices, pool, scheduling, snapshots
from labs.about import about
from labs.drivers.base import DriverError, DriverUnavailable, NodeGone, SubnetTaken, Unsupported
from labs.engine import get_driver
from labs.lifecycle import Reason, State
from labs.models import Node, Sandbox
from labs.recordings import draining
from labs.refusals import HostFull

log = logging.getLogger(__name__)

SUBNET_TRIES = 64
RETRY_AFTER_S = 5
STARTING = frozenset({State.REQUESTED, State.PROVISIONING})
LEAVING = frozenset({State.STOPPING, State.STOPPED})


def provision(sandbox_id: int) -> None:
    """The sandbox is ready (pooled when nobody owns it), or its next attempt is due, or it has failed for good.

    Safe to run twice and at the same time: only the holder of the lease goes on, and create is repeatable.
    """
    sandbox = _known(sandbox_id)
    if sandbox is None or sandbox.state not in STARTING:
        return
    token = sandbox.take_lease()
    if token is None:
        return
    if not sandbox.move(State.PROVISIONING, token=token) and sandbox.state != State.PROVISIONING:
        return
    _count_attempt(sandbox, token)
    notices.progress(sandbox.session_id, "nodes")
    try:
        # Asked before the machines are made: images that change meanwhile make them outdated.
        remembered = _outfit(sandbox)
        _create(sandbox, token)
        if sandbox.session_id is None and pool.warm_up(sandbox):
            remembered["frozen_at"] = timezone.now()
    except DriverError as error:
        _set_back(sandbox, token, error, since=sandbox.requested_at)
        return
    _arrive(sandbox, token, remembered)


def _outfit(sandbox: Sandbox) -> dict[str, object]:
    """What the row of a sandbox for the pool is to remember; nothing of one that a learner waits for."""
    if sandbox.session_id is not None:
        return {}
    return {"versions": pool.versions_of(sorted({node.image for node in sandbox.nodes.all()}))}


def _arrive(sandbox: Sandbox, token: int, remembered: dict[str, object]) -> None:
    with transaction.atomic():
        arrived = sandbox.move(State.READY if sandbox.session_id else State.POOLED, token=token)
        if arrived:
            metering.note_change(sandbox)
            Sandbox.objects.filter(pk=sandbox.pk).update(attempts=0, lease_until=None, **remembered)
            notices.progress(sandbox.session_id, "ready")
    if arrived and sandbox.session_id:
        metrics.started((timezone.now() - sandbox.requested_at).total_seconds(), "cold")
    if not arrived and sandbox.state in LEAVING:
        # Stopped while we were making it; what we made after the stop must go as well.
        _destroy(sandbox)


def _create(sandbox: Sandbox, token: int) -> None:
    refused: set[str] = set()
    for _attempt in range(SUBNET_TRIES):
        try:
            get_driver().create(sandbox.spec())
        except SubnetTaken:
            refused.add(sandbox.subnet)
            _take_next_subnet(sandbox, token, refused)
        else:
            return
    raise DriverError(
        f"the engine's networks overlap {SUBNET_TRIES} subnets of {settings.SANDBOX_SUBNETS} in a row; "
        "set SANDBOX_SUBNETS to a range that nothing else uses"
    )


def _take_next_subnet(sandbox: Sandbox, token: int, refused: set[str]) -> None:
    try:
        with transaction.atomic():
            scheduling.take_turns()
            subnet = scheduling.free_subnet(refused)
            taken = Sandbox.objects.starting().filter(pk=sandbox.pk, lease_token=token).update(subnet=subnet)
    except (HostFull, IntegrityError) as error:
        raise DriverError(f"no subnet of {settings.SANDBOX_SUBNETS} is free") from error
    if not taken:
        raise DriverError("another worker has taken over")
    sandbox.refresh_from_db()


def _count_attempt(sandbox: Sandbox, token: int, by: int = 1) -> None:
    Sandbox.objects.filter(pk=sandbox.pk, lease_token=token).update(attempts=F("attempts") + by)
    sandbox.refresh_from_db()


def _set_back(sandbox: Sandbox, token: int, error: DriverError, *, since: datetime) -> None:
    """A failed attempt: the sweep tries again soon, or the sandbox has failed for good.

    An engine that is away costs no attempt; it is waited for, SANDBOX_PATIENCE_SECONDS ``since`` the wish.
    """
    log.warning("sandbox %s: %s", sandbox.ref, error)
    unavailable = isinstance(error, DriverUnavailable)
    detail = f"{error} {error.remedy}".strip() if isinstance(error, DriverUnavailable) else str(error)
    waited_s = (timezone.now() - since).total_seconds()
    if isinstance(error, Unsupported):
        fail(sandbox, str(error), token=token)
        return
    if (
        sandbox.attempts >= settings.SANDBOX_ATTEMPTS
        if not unavailable
        else (waited_s > settings.SANDBOX_PATIENCE_SECONDS)
    ):
        fail(sandbox, detail, token=token)
        return
    if unavailable:
        _count_attempt(sandbox, token, by=-1)
    sandbox.record(sandbox.state, detail=detail)
    sandbox.release_lease(token, retry_after_s=RETRY_AFTER_S)


def fail(sandbox: Sandbox, detail: str, *, token: int | None = None) -> None:
    """The sandbox is given up and taken down; its learner is told ``detail``."""
    if sandbox.begin_stop(Reason.FAILED, detail, token=token):
        stop(sandbox.pk)


def stop(sandbox_id: int, reason: str = "", *, patient: bool = True) -> bool:
    """The sandbox is taken down and nothing of it is left. Safe from any state and to repeat.

    False while its recordings are waited for, unless nobody is to be ``patient``: ask again soon. Where the engine
    cannot do it now, the sandbox stays on its way out and the sweep asks again.
    """
    sandbox = _known(sandbox_id)
    if sandbox is None:
        return True
    if reason:
        sandbox.begin_stop(reason)
    if sandbox.state != State.STOPPING:
        return True
    if not draining.is_drained(sandbox, patient=patient):
        return False
    metering.read(sandbox)
    if _destroy(sandbox):
        with transaction.atomic():
            if sandbox.move(State.STOPPED):
                metering.note_change(sandbox)
    return True


def _destroy(sandbox: Sandbox) -> bool:
    try:
        get_driver().destroy(sandbox.ref)
    except DriverError as error:
        log.warning("sandbox %s could not be removed yet: %s", sandbox.ref, error)
        return False
    return True


def restart_nodes(sandbox_id: int) -> None:
    """Every node whose restart was asked for runs anew; lost ones are made again. Safe to repeat.

    A node that cannot be had back after SANDBOX_ATTEMPTS tries ends the sandbox, and its learner is told.
    """
    sandbox = _known(sandbox_id)
    if sandbox is None or sandbox.state != State.READY:
        return
    token = sandbox.take_lease()
    if token is None:
        return
    while (node := sandbox.nodes.exclude(restart_asked_at=None).first()) is not None:
        _count_attempt(sandbox, token)
        try:
            _restart(sandbox, node)
        except DriverError as error:
            _set_back(sandbox, token, error, since=node.restart_asked_at or timezone.now())
            return
        Node.objects.filter(pk=node.pk, restart_asked_at=node.restart_asked_at).update(restart_asked_at=None)
        Sandbox.objects.filter(pk=sandbox.pk, lease_token=token).update(attempts=0)
        sandbox.record(sandbox.state, detail=f"node {node.name} started anew")
    sandbox.release_lease(token)
    if sandbox.state in LEAVING:
        _destroy(sandbox)


def _restart(sandbox: Sandbox, node: Node) -> None:
    metering.read(sandbox)
    spec = sandbox.spec()
    if node.awaits_repair:
        get_driver().create(spec)
        return
    snapshots.keep_before_restart(sandbox, node)
    try:
        get_driver().restart(spec, node.name)
    except NodeGone:
        get_driver().create(spec)


def _known(sandbox_id: int) -> Sandbox | None:
    sandbox = Sandbox.objects.select_related("session").filter(pk=sandbox_id).first()
    if sandbox is not None:
        about(lab_session=sandbox.session_id, sandbox=sandbox.ref)
    return sandbox
