"""The guarantee behind every message: each 10 s, rows and engine are compared and what differs is put right."""

import logging
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from labs import idling, metrics, queueing
from labs.drivers.base import Driver, DriverError, DriverUnavailable, Problem
from labs.engine import get_driver
from labs.lifecycle import Reason, State
from labs.models import CheckRequest, Host, LabSession, Node, PuttingBack, Resize, Sandbox, Snapshot

log = logging.getLogger(__name__)

# A message younger than this is probably on its way; the sweep does not send another.
PATIENCE = timedelta(seconds=8)
# A finish asked for in time is still judged when the time runs out while its checks run.
FINISH_GRACE = timedelta(seconds=60)


@dataclass
class Owed:
    """What the sweep found undone; the task enqueues each."""

    provision: list[int] = field(default_factory=list)
    stop: list[int] = field(default_factory=list)
    settle: list[int] = field(default_factory=list)
    resize: list[int] = field(default_factory=list)
    carry: list[int] = field(default_factory=list)
    restart: list[int] = field(default_factory=list)
    checks: list[UUID] = field(default_factory=list)


def sweep() -> Owed:
    """Overdue sessions are over, engine objects the database does not know are gone, and the rest is owed.

    With the engine away it harms nothing, and says so once.
    """
    _end_overdue()
    owed = Owed()
    driver = get_driver()
    problem = driver.problem()
    idle: list[int] = []
    try:
        _compare_with_engine(driver, owed)
        idle = idling.freeze_idle(driver)
    except DriverUnavailable as error:
        problem = problem or Problem(str(error), error.remedy)
    except DriverError as error:
        log.warning("the sweep could not compare rows and engine: %s", error)
    _note(problem, _measured(driver))
    _find_lost_messages(owed)
    for kind, found in vars(owed).items():
        metrics.repaired(kind, len(found))
    owed.settle += idle
    queueing.prepare_classes(timezone.now())
    admission = queueing.admit()
    owed.provision += admission.provision
    owed.stop += admission.stop
    return owed


def _end_overdue() -> None:
    now = timezone.now()
    finishing = CheckRequest.objects.unanswered().filter(
        session=OuterRef("pk"), step="", asked_at__gt=now - FINISH_GRACE
    )
    for session in LabSession.objects.overdue(now).exclude(Exists(finishing)):
        sandbox = session.sandbox
        if sandbox is None or not sandbox.begin_stop(Reason.EXPIRED):
            session.close()


def _find_lost_messages(owed: Owed) -> None:
    long_ago = timezone.now() - PATIENCE
    starting = Sandbox.objects.starting().unleased()
    owed.provision += starting.filter(moved_at__lt=long_ago).values_list("pk", flat=True)
    unsettled = Sandbox.objects.unsettled().unleased().filter(wished_at__lt=long_ago)
    owed.settle += [pk for pk in unsettled.values_list("pk", flat=True) if pk not in owed.settle]
    resizes = Resize.objects.unanswered().filter(asked_at__lt=long_ago)
    owed.resize += resizes.values_list("node__sandbox", flat=True).distinct().order_by()
    owed.carry += _with_homes_to_carry(long_ago)
    stopping = Sandbox.objects.filter(state=State.STOPPING, moved_at__lt=long_ago)
    owed.stop += stopping.values_list("pk", flat=True)
    nodes = Node.objects.filter(sandbox__state=State.READY, restart_asked_at__lt=long_ago)
    unleased = Sandbox.objects.unleased().filter(nodes__in=nodes).distinct()
    owed.restart += [pk for pk in unleased.values_list("pk", flat=True) if pk not in owed.restart]
    owed.checks += CheckRequest.objects.unclaimed().filter(asked_at__lt=long_ago).values_list("pk", flat=True)


def _with_homes_to_carry(long_ago: datetime) -> list[int]:
    """The newest sandbox of each session whose files wait to be saved or put back, unless it is on its way to ready."""
    saves = Snapshot.objects.unanswered().filter(asked_at__lt=long_ago).values("session")
    puts = PuttingBack.objects.unanswered().filter(asked_at__lt=long_ago).values("session")
    waiting = Sandbox.objects.filter(Q(session__in=saves) | Q(session__in=puts))
    return list(waiting.exclude(pk__in=Sandbox.objects.starting()).values_list("pk", flat=True))


def _compare_with_engine(driver: Driver, owed: Owed) -> None:
    # The engine is read before the database: a row is always committed before its engine object is made,
    # so whatever the engine shows and the later reading of the rows does not know is nobody's.
    held = driver.list_refs()
    live = set(Sandbox.objects.live().values_list("ref", flat=True))
    for ref in held - live:
        try:
            driver.destroy(ref)
            log.info("removed %s, which no live sandbox owns", ref)
        except DriverUnavailable:
            raise
        except DriverError as error:
            log.warning("%s, which no live sandbox owns, could not be removed: %s", ref, error)
    for sandbox in Sandbox.objects.unleased().filter(state__in=[State.READY, State.POOLED]):
        _look_after(driver, sandbox, owed)


def _look_after(driver: Driver, sandbox: Sandbox, owed: Owed) -> None:
    """Nodes that are gone behind our back are marked lost and their repair is owed; a ready one is not asleep."""
    if not any(_faults(driver, sandbox)):
        return
    token = sandbox.take_lease()
    if token is None:
        return
    missing, asleep = _faults(driver, sandbox)
    if missing and sandbox.state == State.POOLED:
        if sandbox.begin_stop(Reason.FAILED, f"lost {', '.join(missing)}", token=token):
            owed.stop.append(sandbox.pk)
    elif missing and sandbox.state == State.READY:
        now = timezone.now()
        sandbox.nodes.filter(name__in=missing).update(lost_at=now, restart_asked_at=now)
        sandbox.record(sandbox.state, detail=f"lost {', '.join(missing)}")
        owed.restart.append(sandbox.pk)
    if asleep and sandbox.state == State.READY:
        driver.resume(sandbox.ref)
    sandbox.release_lease(token)


def _faults(driver: Driver, sandbox: Sandbox) -> tuple[list[str], bool]:
    """The nodes that ought to run and do not, and whether one is paused although the sandbox is ready."""
    health = driver.health(sandbox.ref).nodes
    names = sandbox.nodes.filter(restart_asked_at=None).values_list("name", flat=True)
    missing = [name for name in names if name not in health or not health[name].running]
    return missing, sandbox.state == State.READY and any(node.detail == "paused" for node in health.values())


def _measured(driver: Driver) -> dict[str, object]:
    """What the host's row is to say of what it has left; nothing new where it could not be looked at."""
    try:
        use = driver.host_use()
    except DriverError as error:
        log.warning("the host could not be measured: %s", error)
        return {}
    return {**asdict(use), "measured_at": timezone.now()}


def _note(problem: Problem | None, measured: dict[str, object]) -> None:
    """The host's row says what is wrong with the engine, and what is left; the log says it when it changes."""
    host, _created = Host.objects.get_or_create(pk=1)
    message, remedy = (problem.message, problem.remedy) if problem else ("", "")
    if host.problem != message:
        if problem:
            log.error("no labs can run: %s %s", message, remedy)
        else:
            log.warning("labs can run again")
    Host.objects.filter(pk=1).update(problem=message, remedy=remedy, seen_at=timezone.now(), **measured)
