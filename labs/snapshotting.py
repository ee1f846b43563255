"""What workers do with homes: save them when asked, put them back when asked, and say why when they cannot."""

import logging

from django.db import transaction
from django.utils import timezone

from labs import leases, notices, snapshots
from labs.drivers.base import DriverBusy, DriverError, HomeTooLarge
from labs.lifecycle import State
from labs.models import PuttingBack, Sandbox, Snapshot

log = logging.getLogger(__name__)

RETRY_AFTER_S = 2
# Why not; labs.bodies has the sentences.
TOO_LARGE, ENDED, DAMAGED, ENGINE = "too_large", "ended", "damaged", "engine"


def carry_homes(sandbox_id: int) -> None:
    """Every save and every putting back that its session waits for is answered, or the sweep will ask again."""
    sandbox = Sandbox.objects.select_related("session").filter(pk=sandbox_id).first()
    if sandbox is None or sandbox.session is None or not is_owed(sandbox):
        return
    if sandbox.state in {State.STOPPING, State.STOPPED}:
        _give_up(sandbox)
        return
    if sandbox.state != State.READY:
        return
    token = leases.take_soon(sandbox)
    if token is None:
        return
    # A large home takes longer than a lease lasts; the token stays ours until then.
    sandbox.release_lease(token, retry_after_s=snapshots.CARRY_S * 3)
    try:
        for wish in PuttingBack.objects.unanswered().filter(session=sandbox.session):
            _put_back(sandbox, wish)
        for snapshot in Snapshot.objects.unanswered().filter(session=sandbox.session):
            _save(sandbox, snapshot)
    except DriverBusy as error:
        log.warning("the homes of %s could not be carried yet: %s", sandbox.ref, error)
        sandbox.release_lease(token, retry_after_s=RETRY_AFTER_S)
        return
    sandbox.release_lease(token)


def is_owed(sandbox: Sandbox) -> bool:
    session = sandbox.session_id
    return (
        PuttingBack.objects.unanswered().filter(session=session).exists()
        or Snapshot.objects.unanswered().filter(session=session).exists()
    )


def _save(sandbox: Sandbox, snapshot: Snapshot) -> None:
    problem = ""
    try:
        snapshots.save_homes(sandbox, snapshot, sandbox.nodes.all())
    except DriverBusy:
        raise
    except HomeTooLarge:
        problem = TOO_LARGE
    except (DriverError, OSError) as error:
        log.warning("the homes of %s could not be saved: %s", sandbox.ref, error)
        problem = ENGINE
    _answer(sandbox, snapshot, problem)


def _put_back(sandbox: Sandbox, wish: PuttingBack) -> None:
    problem = ""
    try:
        if wish.snapshot is None:
            problem = DAMAGED
        else:
            snapshots.load_homes(sandbox, wish.snapshot)
    except DriverBusy:
        raise
    except snapshots.Damaged as error:
        log.error("a kept home is damaged: %s", error)
        problem = DAMAGED
    except (DriverError, OSError) as error:
        log.warning("files could not be put back into %s: %s", sandbox.ref, error)
        problem = ENGINE
    _answer(sandbox, wish, problem)


@transaction.atomic
def _answer(sandbox: Sandbox, wish: Snapshot | PuttingBack, problem: str) -> None:
    rows = type(wish).objects.filter(pk=wish.pk, answered_at=None)
    if rows.update(answered_at=timezone.now(), problem=problem):
        act = "saved" if isinstance(wish, Snapshot) else "put back"
        sandbox.record(sandbox.state, detail=f"homes {act}: {problem or 'done'}")


def _give_up(sandbox: Sandbox) -> None:
    now = timezone.now()
    PuttingBack.objects.unanswered().filter(session=sandbox.session).update(answered_at=now, problem=ENDED)
    Snapshot.objects.unanswered().filter(session=sandbox.session).update(answered_at=now, problem=ENDED)
    notices.session_changed(sandbox.session_id)
