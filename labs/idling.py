"""Who uses a sandbox, and what becomes of one that nobody and nothing uses: it is frozen."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from labs.drivers.base import Driver, DriverError
from labs.lifecycle import State
from labs.models import CheckRequest, Sandbox
from labs.models.resting import Cause

log = logging.getLogger(__name__)

# Between two looks at a sandbox's processors; a build shows in any of them.
LOOK_EVERY = timedelta(seconds=60)
# The part of one processor above which something works there, in thousandths: a sleeping shell takes none at all.
BUSY_PERMILLE = 10


def note_presence(ref: str, *, active: bool) -> None:
    """Somebody is connected to the sandbox; ``active`` when they did something since the last note."""
    now = timezone.now()
    changes = {"attended_at": now, **({"active_at": now} if active else {})}
    Sandbox.objects.live().filter(ref=ref).update(**changes)


def freeze_idle(driver: Driver) -> list[int]:
    """The sandboxes that have not been used for long enough are wished suspended; their keys are owed to a worker."""
    if not settings.LABS_IDLE_FREEZE_MINUTES:
        return []
    now = timezone.now()
    frozen = []
    for sandbox in _awake():
        try:
            _look_at_processors(driver, sandbox, now)
        except DriverError as error:
            log.warning("what %s does could not be seen: %s", sandbox.ref, error)
            continue
        unchanged = {name: getattr(sandbox, name) for name in ("wish_count", "active_at", "attended_at")}
        if _is_idle(sandbox, now) and sandbox.wish(State.SUSPENDED, Cause.IDLE, **unchanged):
            frozen.append(sandbox.pk)
    return frozen


def _awake() -> Iterable[Sandbox]:
    """Learners' running sandboxes that no worker is at, no check waits for, and no wish is about to move."""
    waiting = CheckRequest.objects.unanswered().values("session")
    awake = Sandbox.objects.unleased().filter(state=State.READY, session__isnull=False)
    return awake.filter(wish_settled=F("wish_count"), session__closed_at=None).exclude(session__in=waiting)


def _look_at_processors(driver: Driver, sandbox: Sandbox, now: datetime) -> None:
    """``active_at`` is now when its processors worked since the last look, which is a while ago."""
    before = sandbox.cpu_read_at
    if before is not None and now - before < LOOK_EVERY:
        return
    used_ns = sum(node.cpu_ns for node in driver.usage(sandbox.ref).values())
    changes: dict[str, object] = {"cpu_ns": used_ns, "cpu_read_at": now}
    if before is None or is_busy(used_ns - sandbox.cpu_ns, now - before):
        changes["active_at"] = now
    Sandbox.objects.filter(pk=sandbox.pk, state=State.READY).update(**changes)
    sandbox.refresh_from_db()


def is_busy(worked_ns: int, within: timedelta) -> bool:
    """Whether that much work in that time is more than waiting. Less than before means a node began anew: it is."""
    return worked_ns < 0 or worked_ns > within / timedelta(microseconds=1) * BUSY_PERMILLE


def _is_idle(sandbox: Sandbox, now: datetime) -> bool:
    """Unused for LABS_IDLE_FREEZE_MINUTES, or with no connection open for LABS_AWAY_FREEZE_MINUTES."""
    used_at = max(sandbox.active_at, sandbox.moved_at)
    attended_at = max(used_at, sandbox.attended_at or used_at)
    # A connection makes itself known every LABS_SOCKET_RECHECK_SECONDS; one such note may be late.
    away = now - attended_at - timedelta(seconds=2 * settings.LABS_SOCKET_RECHECK_SECONDS)
    return now - used_at > timedelta(minutes=settings.LABS_IDLE_FREEZE_MINUTES) or (
        away > timedelta(minutes=settings.LABS_AWAY_FREEZE_MINUTES)
    )
