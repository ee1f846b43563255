"""What workers do so that a sandbox is as it was last wished: suspended, or awake. The newest wish wins."""

import logging
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from labs import leases, metering
from labs.drivers.base import DriverError, DriverUnavailable, NodeGone
from labs.engine import get_driver
from labs.lifecycle import Reason, State
from labs.models import CheckRequest, Sandbox

log = logging.getLogger(__name__)

RETRY_AFTER_S = 2


@dataclass
class Awaited:
    """What waited for the sandbox to be awake; the task enqueues it."""

    restart: bool = False
    checks: list[UUID] = field(default_factory=list)


def settle(sandbox_id: int) -> Awaited:
    """The sandbox is as it was last wished, or the sweep will ask again. Safe to repeat and at the same time."""
    sandbox = Sandbox.objects.select_related("session").filter(pk=sandbox_id).first()
    while sandbox is not None and _is_owed(sandbox):
        token = leases.take_soon(sandbox)
        if token is None or not _settle(sandbox, token):
            return Awaited()
        # A wish that came while the lease was given back found it taken: it is looked for once more.
    return _awaited(sandbox)


def _is_owed(sandbox: Sandbox) -> bool:
    return sandbox.state in {State.READY, State.SUSPENDED} and not sandbox.is_settled


def _settle(sandbox: Sandbox, token: int) -> bool:
    """The wishes that there are by now are fulfilled; False when the engine refused and the sweep must ask again."""
    while _is_owed(sandbox) and sandbox.lease_token == token:
        try:
            _fulfil(sandbox, token, sandbox.wish_count)
        except DriverError as error:
            _set_back(sandbox, token, error)
            return False
    sandbox.release_lease(token)
    return True


def _fulfil(sandbox: Sandbox, token: int, wish: int) -> None:
    if sandbox.wished_state == State.SUSPENDED:
        _suspend(sandbox, token, wish)
    else:
        _resume(sandbox, token, wish)


def _suspend(sandbox: Sandbox, token: int, wish: int) -> None:
    """Said first, then done: whoever comes meanwhile finds it suspended, and wishes it awake."""
    with transaction.atomic():
        if sandbox.state == State.READY and sandbox.move(
            State.SUSPENDED, detail=sandbox.wish_cause, token=token, wish=wish
        ):
            metering.note_change(sandbox)
    if sandbox.state != State.SUSPENDED or sandbox.wish_count != wish:
        return
    try:
        get_driver().suspend(sandbox.ref)
    except NodeGone as error:
        log.warning("sandbox %s was suspended without all of its nodes: %s", sandbox.ref, error)
    sandbox.settle_wish(wish, token)


def _resume(sandbox: Sandbox, token: int, wish: int) -> None:
    """Done first, then said: who finds it ready can work. A node that is gone is left to the sweep, as always."""
    try:
        get_driver().resume(sandbox.ref)
    except NodeGone as error:
        log.warning("sandbox %s woke without all of its nodes: %s", sandbox.ref, error)
    with transaction.atomic():
        if sandbox.state == State.SUSPENDED and sandbox.move(State.READY, token=token, wish=wish):
            metering.note_change(sandbox)
    if sandbox.state == State.READY and sandbox.settle_wish(wish, token):
        Sandbox.objects.filter(pk=sandbox.pk, lease_token=token).update(attempts=0)


def _set_back(sandbox: Sandbox, token: int, error: DriverError) -> None:
    """The sweep asks again soon; a sandbox that cannot be woken after SANDBOX_ATTEMPTS tries has failed."""
    log.warning("sandbox %s: %s", sandbox.ref, error)
    if not isinstance(error, DriverUnavailable) and sandbox.wished_state == State.READY:
        Sandbox.objects.filter(pk=sandbox.pk, lease_token=token).update(attempts=F("attempts") + 1)
        sandbox.refresh_from_db()
        if sandbox.attempts >= settings.SANDBOX_ATTEMPTS:
            sandbox.begin_stop(Reason.FAILED, str(error), token=token)
            return
    sandbox.record(sandbox.state, detail=str(error))
    sandbox.release_lease(token, retry_after_s=RETRY_AFTER_S)


def _awaited(sandbox: Sandbox | None) -> Awaited:
    if sandbox is None or sandbox.state != State.READY:
        return Awaited()
    checks = CheckRequest.objects.unclaimed().filter(session_id=sandbox.session_id)
    return Awaited(
        restart=sandbox.nodes.exclude(restart_asked_at=None).exists(),
        checks=list(checks.values_list("pk", flat=True)),
    )
