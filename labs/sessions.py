"""What learners ask of their lab sessions: the wish becomes a row, a worker hears of it after commit."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from community.api import User
from labs import metrics, notices, pool, queueing, scheduling, tasks
from labs.lifecycle import Reason, StartKind, State
from labs.metering import budgets
from labs.models import Booking, CheckRequest, Host, Lab, LabSession, LabStep, Mode, Node, Sandbox
from labs.models.resting import RESTABLE, Cause
from labs.refusals import (
    ChecksRunning,
    NoEngine,
    NoExtensionsLeft,
    NotInPlayback,
    NotReady,
    PromisedToOthers,
    SessionClosed,
    TooOften,
)
from labs.scheduling import bookings, rooms
from labs.scheduling.amounts import Amount
from labs.scheduling.seating import ends_at
from labs.scheduling.timeline import peak

ENGINE_NEWS_S = 60
REFILL_AFTER_S = 2


def session_of(learner: User, session_id: UUID | str) -> LabSession:
    """The learner's own session. Raises LabSession.DoesNotExist for anybody else's, too."""
    session = LabSession.objects.select_related("lab", "place").get(pk=session_id)
    if not learner.has_perm("labs.work_in_session", session):
        raise LabSession.DoesNotExist
    return session


def open_session(learner: User, lab: Lab) -> LabSession | None:
    """The learner's running session of ``lab``, if there is one."""
    return LabSession.objects.of(learner).open().filter(lab=lab).select_related("lab").first()


@transaction.atomic
def start_lab(learner: User, lab: Lab, kind: StartKind = StartKind.PRACTICE) -> LabSession:
    """The learner's open session of ``lab``, with a sandbox asked for, or waiting in the queue while there is no room.

    Asking twice gives the same one; ``is_new`` says whether this call opened it, ``claimed`` what came from the pool. Raises QuotaExceeded, TooOften,
    BudgetUsedUp, NoEngine, or HostFull when the lab is larger than the host.
    """
    host = scheduling.take_turns()
    recent = scheduling.recent_sessions(learner)
    session = next((one for one in recent if one.is_open and one.lab_id == lab.pk), None)
    if session is not None:
        session.lab = lab
        return session
    _ensure_engine(host)
    now = timezone.now()
    force = scheduling.in_force(now)
    scheduling.ensure_quota(learner, recent, has_allowances=force.allowances)
    if force.budgets:
        budgets.ensure_budget(learner, lab)
    need = scheduling.needs(lab)
    scheduling.ensure_possible(need, kind)
    booking = bookings.current(learner, lab, now) if force.bookings else None
    session = LabSession.objects.create(
        learner=learner,
        lab=lab,
        kind=StartKind.CLASS if booking else kind,
        mode=Mode.EXAM if kind == StartKind.EXAM else Mode.PRACTICE,
        booking=booking,
        opened_at=now,
        expires_at=ends_at(lab, booking, now),
    )
    there = queueing.opening(session, need, host, force)
    if there is None or not _from_pool(session):
        owed = queueing.enter(session, need, there)
        for task, ids in ((tasks.stop, owed.stop), (tasks.provision, owed.provision)):
            for sandbox_id in ids:
                tasks.after_commit(task, sandbox_id)
    session.is_new = True
    return session


def _from_pool(session: LabSession) -> bool:
    """Whether a sandbox that waited in the pool is the session's from now on."""
    sandbox = pool.claim(session)
    if sandbox is None:
        return False
    session.claimed = sandbox
    transaction.on_commit(lambda: _thaw(sandbox), robust=True)
    # The next one is made when this learner has their prompt.
    tasks.after_commit(tasks.refill, after_s=REFILL_AFTER_S)
    return True


def _thaw(sandbox: Sandbox) -> None:
    if not pool.thaw_at_once(sandbox):
        tasks.thaw.delay(sandbox.pk)
    metrics.started((timezone.now() - sandbox.requested_at).total_seconds(), "pool")


def _ensure_engine(host: Host) -> None:
    """Raises NoEngine when workers lately found that there is no engine."""
    fresh = host.seen_at and (timezone.now() - host.seen_at).total_seconds() < ENGINE_NEWS_S
    if host.problem and fresh:
        # What drivers say is marked for translation in labs.engine.
        raise NoEngine(_(host.problem), _(host.remedy))


def engine_problem() -> NoEngine | None:
    """Why labs cannot run at the moment, with the fix; None when they can, as far as workers have seen."""
    try:
        _ensure_engine(Host.objects.filter(pk=1).first() or Host())
    except NoEngine as problem:
        return problem
    return None


@transaction.atomic
def check_work(session: LabSession, step: LabStep) -> CheckRequest:
    """The checks of ``step`` are asked for; while they run, asking again gives the same request.

    Raises SessionClosed, NotReady or TooOften.
    """
    return _ask(session, step.key)


@transaction.atomic
def finish_lab(session: LabSession) -> CheckRequest:
    """All checks are asked for; if every one passes, the session is passed and its sandbox goes.

    If one fails the session stays open. Raises SessionClosed, NotReady, TooOften or NotInPlayback.
    """
    if session.is_playback:
        raise NotInPlayback
    return _ask(session, "")


def _ask(session: LabSession, step: str) -> CheckRequest:
    running = session.check_requests.unanswered().filter(step=step).first()
    if running is not None:
        return running
    if not LabSession.objects.open().filter(pk=session.pk).exists():
        raise SessionClosed
    sandbox = session.sandbox
    if sandbox is None or sandbox.state not in RESTABLE:
        raise NotReady
    lately = timezone.now() - timedelta(minutes=1)
    if session.check_requests.filter(asked_at__gt=lately).count() >= settings.LABS_CHECKS_PER_MINUTE:
        raise TooOften(
            _("You have asked for checks %(count)d times within a minute.")
            % {"count": settings.LABS_CHECKS_PER_MINUTE},
            _("Look at the last result first, then check again in a few seconds."),
        )
    try:
        with transaction.atomic():
            request = CheckRequest.objects.create(session=session, step=step)
    except IntegrityError:
        return session.check_requests.unanswered().get(step=step)
    notices.session_changed(session.pk)
    if not wake(sandbox):
        tasks.after_commit(tasks.check_work, str(request.pk))
    return request


def wake(sandbox: Sandbox) -> bool:
    """Whether it was, or was to be, suspended: it is now wished awake, and what waits for that is then enqueued."""
    if sandbox.wish(State.READY, Cause.LEARNER):
        tasks.after_commit(tasks.settle, sandbox.pk)
        return True
    return sandbox.state == State.SUSPENDED


@transaction.atomic
def suspend(session: LabSession) -> LabSession:
    """The session's machines are to be frozen as they are. Repeating changes nothing.

    Raises SessionClosed, NotReady, or ChecksRunning while checks look at them.
    """
    sandbox = restable(session)
    if session.check_requests.unanswered().exists():
        raise ChecksRunning
    if sandbox.wish(State.SUSPENDED, Cause.LEARNER):
        tasks.after_commit(tasks.settle, sandbox.pk)
    return session


@transaction.atomic
def resume(session: LabSession) -> LabSession:
    """The session's machines are to go on where they were frozen. Repeating changes nothing.

    Raises SessionClosed or NotReady.
    """
    wake(restable(session))
    return session


def restable(session: LabSession) -> Sandbox:
    """The session's machines, awake or frozen. Raises SessionClosed or NotReady."""
    sandbox = session.sandbox
    if sandbox is None or not session.is_open or sandbox.state in {State.STOPPING, State.STOPPED}:
        raise SessionClosed
    if sandbox.state not in RESTABLE:
        raise NotReady
    return sandbox


@transaction.atomic
def extend_time(session: LabSession) -> LabSession:
    """The session lasts LABS_EXTEND_MINUTES longer. Raises SessionClosed, NoExtensionsLeft,
    PromisedToOthers, or NotReady in the queue."""
    if session.waiting_place is not None:
        raise NotReady
    if session.extensions_left and _is_promised_away(session):
        raise PromisedToOthers
    extended = (
        LabSession.objects.open()
        .filter(pk=session.pk, extensions__lt=settings.LABS_EXTEND_TIMES, expires_at__gt=timezone.now())
        .update(
            expires_at=F("expires_at") + timedelta(minutes=settings.LABS_EXTEND_MINUTES),
            extensions=F("extensions") + 1,
        )
    )
    session.refresh_from_db()
    if not extended:
        overdue = session.expires_at <= timezone.now()
        raise SessionClosed if overdue or not session.is_open else NoExtensionsLeft
    notices.session_changed(session.pk)
    return session


def _is_promised_away(session: LabSession) -> bool:
    """Whether a class was promised what the session would hold during its extension."""
    now = timezone.now()
    begins_at = session.expires_at
    until = begins_at + timedelta(minutes=settings.LABS_EXTEND_MINUTES)
    if begins_at <= now or not Booking.objects.upcoming(now).filter(begins_at__lt=until).exists():
        return False
    scheduling.take_turns()
    sandbox = session.sandbox
    need = Amount(sandbox.millicpus, sandbox.memory_mib) if sandbox else Amount()
    room = rooms.room(now)
    purpose = rooms.purpose_of(session.kind, session.booking_id)
    others = [span for span in room.spans if not (span.is_promise and span.purpose == purpose)]
    return not need.fits(room.whole - peak(others, begins_at, until))


@transaction.atomic
def restart_node(session: LabSession, name: str) -> Node:
    """A fresh start of the node is asked for; its home and processes will be lost. Repeating changes nothing.

    Raises SessionClosed, NotReady or Node.DoesNotExist.
    """
    sandbox = session.sandbox
    if sandbox is None and session.waiting_place is not None:
        raise NotReady
    if sandbox is None or not session.is_open:
        raise SessionClosed
    node = sandbox.nodes.get(name=name)
    if sandbox.state not in RESTABLE:
        raise NotReady
    asleep = wake(sandbox)
    asked = sandbox.nodes.filter(pk=node.pk, restart_asked_at=None).update(restart_asked_at=timezone.now())
    if asked:
        notices.session_changed(session.pk)
    if asked and not asleep:
        tasks.after_commit(tasks.restart_nodes, sandbox.pk)
    node.refresh_from_db()
    return node


@transaction.atomic
def abandon(session: LabSession) -> LabSession:
    """The session is over without a pass and its sandbox, or its place in the queue, goes. Repeating changes nothing."""
    if session.waiting_place is not None and queueing.leave(session):
        tasks.after_commit(tasks.admit)
    sandbox = session.sandbox
    if sandbox is not None and sandbox.begin_stop(Reason.ABANDONED):
        tasks.after_commit(tasks.stop, sandbox.pk)
    session.refresh_from_db()
    return session
