"""Frozen and woken: by wish, for want of use, and whatever meets on the way; the newest wish wins."""

from datetime import timedelta

import pytest
from django.utils import timezone

from labs import grading, idling, provisioning, sessions, suspending, sweeping, tasks
from labs.drivers.base import DriverBusy, DriverError, NodeUsage
from labs.lifecycle import Reason, State
from labs.models import CheckRequest, Meter, Sandbox, UsageEntry
from labs.models.resting import Cause
from labs.refusals import ChecksRunning, NotReady, SessionClosed
from tests.labs.factories import LabFactory, SandboxFactory, SessionFactory, node

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(engine):
    """A session whose machines run, with the meter on."""
    session = SessionFactory(state=State.REQUESTED, lab=LabFactory(nodes=[node("a"), node("b")]))
    provisioning.provision(session.sandbox.pk)
    return session


@pytest.fixture
def frozen(session, committed):
    committed(sessions.suspend, session)
    return session


def asleep(engine, session):
    return {machine.suspended for machine in engine.sandboxes[session.sandbox.ref].nodes.values()}


def unused_for(session, minutes, *, attended=False):
    then = timezone.now() - timedelta(minutes=minutes)
    Sandbox.objects.filter(pk=session.sandbox.pk).update(
        active_at=then, moved_at=then, attended_at=timezone.now() if attended else None
    )


def test_a_wish_freezes_every_node_and_another_wakes_them(engine, session, committed):
    committed(sessions.suspend, session)
    assert session.sandbox.state == State.SUSPENDED
    assert asleep(engine, session) == {True}
    committed(sessions.resume, session)
    assert session.sandbox.state == State.READY
    assert asleep(engine, session) == {False}
    assert session.sandbox.is_settled
    assert session.sandbox.lease_until is None


def test_wishing_twice_is_as_wishing_once(engine, frozen, committed):
    committed(sessions.suspend, frozen)
    assert [verb for verb, _ref in engine.calls].count("suspend") == 1
    assert frozen.sandbox.wish_count == 1


def test_what_is_not_ready_can_be_neither_frozen_nor_woken(engine):
    session = SessionFactory(state=State.PROVISIONING)
    for verb in (sessions.suspend, sessions.resume):
        with pytest.raises(NotReady):
            verb(session)
    ended = SessionFactory(state=State.STOPPED)
    for verb in (sessions.suspend, sessions.resume):
        with pytest.raises(SessionClosed):
            verb(ended)


def test_the_newest_of_two_wishes_that_meet_wins_whichever_worker_comes_first(engine, session, committed):
    sessions.suspend(session)
    sessions.resume(session)
    suspending.settle(session.sandbox.pk)
    assert (session.sandbox.state, asleep(engine, session)) == (State.READY, {False})
    sessions.suspend(session)
    sessions.resume(session)
    sessions.suspend(session)
    suspending.settle(session.sandbox.pk)
    assert (session.sandbox.state, asleep(engine, session)) == (State.SUSPENDED, {True})


def test_a_wish_to_wake_that_comes_while_the_nodes_are_being_frozen_wins(engine, session, monkeypatch):
    freeze = engine.suspend

    def freeze_while_somebody_returns(ref):
        sessions.resume(session)
        freeze(ref)

    monkeypatch.setattr(engine, "suspend", freeze_while_somebody_returns)
    sessions.suspend(session)
    suspending.settle(session.sandbox.pk)
    assert (session.sandbox.state, asleep(engine, session)) == (State.READY, {False})
    assert session.sandbox.is_settled


def test_a_wish_that_came_as_the_lease_was_given_back_is_not_lost(engine, session, monkeypatch):
    release = Sandbox.release_lease

    def release_just_after_a_wish(sandbox, *args, **kwargs):
        monkeypatch.setattr(Sandbox, "release_lease", release)
        sessions.resume(session)
        release(sandbox, *args, **kwargs)

    monkeypatch.setattr(Sandbox, "release_lease", release_just_after_a_wish)
    sessions.suspend(session)
    suspending.settle(session.sandbox.pk)
    assert (session.sandbox.state, asleep(engine, session)) == (State.READY, {False})


def test_a_lost_message_is_made_good_by_the_sweep(engine, session):
    sessions.suspend(session)
    Sandbox.objects.update(wished_at=timezone.now() - timedelta(minutes=1))
    tasks.sweep()
    assert session.sandbox.state == State.SUSPENDED


def test_a_worker_that_died_between_saying_and_doing_is_replaced(engine, session):
    sessions.suspend(session)
    sandbox = session.sandbox
    token = sandbox.take_lease()
    sandbox.move(State.SUSPENDED, token=token)
    Sandbox.objects.update(
        wished_at=timezone.now() - timedelta(minutes=1), lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert asleep(engine, session) == {False}
    tasks.sweep()
    assert asleep(engine, session) == {True}


def test_a_ready_sandbox_that_a_late_worker_froze_is_thawed_by_the_sweep(engine, session):
    engine.suspend(session.sandbox.ref)
    tasks.sweep()
    assert asleep(engine, session) == {False}


def test_an_engine_that_is_busy_is_asked_again(engine, frozen, committed):
    engine.fail("resume", DriverBusy("later"))
    committed(sessions.resume, frozen)
    assert frozen.sandbox.state == State.SUSPENDED
    Sandbox.objects.update(lease_until=None, wished_at=timezone.now() - timedelta(minutes=1))
    tasks.sweep()
    assert (frozen.sandbox.state, frozen.sandbox.attempts) == (State.READY, 0)


def test_what_cannot_be_woken_has_failed_and_the_learner_is_told(engine, frozen, committed, settings):
    settings.SANDBOX_ATTEMPTS = 1
    engine.fail("resume", DriverError("cgroup is gone"))
    committed(sessions.resume, frozen)
    assert (frozen.sandbox.state, frozen.sandbox.reason) == (State.STOPPING, Reason.FAILED)
    assert frozen.sandbox.detail == "cgroup is gone"


def test_nodes_lost_in_their_sleep_are_made_again_when_it_wakes(engine, frozen, committed):
    engine.lose(frozen.sandbox.ref)
    committed(sessions.resume, frozen)
    tasks.sweep()
    assert engine.health(frozen.sandbox.ref).ok
    assert frozen.sandbox.nodes.exclude(lost_at=None).count() == 2


def test_frozen_processors_are_not_counted_and_memory_is(engine, session, committed, time_machine):
    started = Meter.objects.get(node="a").since
    for seconds, verb in ((60, sessions.suspend), (160, sessions.resume)):
        time_machine.move_to(started + timedelta(seconds=seconds), tick=False)
        committed(verb, session)
    time_machine.move_to(started + timedelta(seconds=190), tick=False)
    provisioning.stop(session.sandbox.pk, Reason.FINISHED)
    entries = (
        UsageEntry.objects.of_learners([session.learner_id]).filter(node="a").exclude(state=State.STOPPING)
    )
    assert list(entries.values_list("duration_us", "state")) == [
        (60_000_000, State.READY),
        (100_000_000, State.SUSPENDED),
        (30_000_000, State.READY),
    ]
    assert sum(entry.millicpu_us for entry in entries) == 90_000_000 * 500
    assert sum(entry.mib_us for entry in entries) == 190_000_000 * 128
    assert not Meter.objects.running().exists()


def test_the_time_runs_out_while_frozen_and_nothing_is_left(engine, frozen):
    type(frozen).objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    Sandbox.objects.update(moved_at=timezone.now() - timedelta(minutes=1))
    tasks.sweep()
    assert (frozen.sandbox.state, frozen.sandbox.reason) == (State.STOPPED, Reason.EXPIRED)
    assert engine.list_refs() == set()


def test_leaving_ends_frozen_machines(engine, frozen, committed):
    committed(sessions.abandon, frozen)
    assert frozen.sandbox.state == State.STOPPED
    assert engine.list_refs() == set()


def test_a_check_wakes_the_machines_and_runs(engine, frozen, committed):
    request = committed(sessions.finish_lab, frozen)
    request.refresh_from_db()
    assert request.passed
    assert len(engine.runs) == 1


def test_a_check_that_comes_before_the_machines_are_awake_waits_for_them(engine, frozen):
    request = sessions.finish_lab(frozen)
    grading.check_work(request.pk)
    request.refresh_from_db()
    assert request.answered_at is None
    tasks.settle(frozen.sandbox.pk)
    request.refresh_from_db()
    assert request.passed


def test_a_check_asked_for_just_after_the_wish_to_freeze_keeps_the_machines_awake(engine, session, committed):
    sessions.suspend(session)
    request = committed(sessions.finish_lab, session)
    request.refresh_from_db()
    assert request.passed


def test_while_checks_look_nothing_is_frozen(engine, session):
    sessions.finish_lab(session)
    with pytest.raises(ChecksRunning):
        sessions.suspend(session)


def test_restarting_a_node_wakes_the_machines(engine, frozen, committed):
    before = engine.sandboxes[frozen.sandbox.ref].nodes["a"].epoch
    committed(sessions.restart_node, frozen, "a")
    assert engine.sandboxes[frozen.sandbox.ref].nodes["a"].epoch != before
    assert frozen.sandbox.state == State.READY
    assert not frozen.sandbox.nodes.exclude(restart_asked_at=None).exists()


def test_machines_that_nobody_and_nothing_uses_are_frozen(engine, session, settings):
    unused_for(session, settings.LABS_AWAY_FREEZE_MINUTES + 2)
    sweeping.sweep()  # the first look at the processors is no news yet
    unused_for(session, settings.LABS_AWAY_FREEZE_MINUTES + 2)
    tasks.sweep()
    assert (session.sandbox.state, session.sandbox.wish_cause) == (State.SUSPENDED, Cause.IDLE)
    assert asleep(engine, session) == {True}


def test_an_open_page_holds_them_longer_but_not_for_ever(engine, session, settings):
    idling.freeze_idle(engine)
    unused_for(session, settings.LABS_AWAY_FREEZE_MINUTES + 2, attended=True)
    assert idling.freeze_idle(engine) == []
    unused_for(session, settings.LABS_IDLE_FREEZE_MINUTES + 1, attended=True)
    assert idling.freeze_idle(engine) == [session.sandbox.pk]


def test_a_build_that_runs_unattended_is_use(engine, session, settings):
    idling.freeze_idle(engine)
    unused_for(session, 600)
    Sandbox.objects.update(cpu_read_at=timezone.now() - timedelta(seconds=60))
    machine = engine.sandboxes[session.sandbox.ref].nodes["b"]
    machine.usage = NodeUsage(machine.usage.cpu_ns + 2 * 10**9, 1, 1)
    assert idling.freeze_idle(engine) == []
    assert timezone.now() - session.sandbox.active_at < timedelta(minutes=1)


def test_a_sleeping_shell_is_no_use_and_a_node_that_began_anew_is():
    minute = timedelta(minutes=1)
    assert not idling.is_busy(5_000_000, minute)
    assert idling.is_busy(2_000_000_000, minute)
    assert idling.is_busy(-1, minute)


def test_typing_is_use(engine, session):
    unused_for(session, 600)
    idling.note_presence(session.sandbox.ref, active=True)
    idling.freeze_idle(engine)
    idling.freeze_idle(engine)
    assert session.sandbox.wished_state == State.READY


def test_a_key_that_comes_as_the_sweep_decides_is_heard(engine, session, monkeypatch):
    idling.freeze_idle(engine)
    unused_for(session, 600)
    judge = idling._is_idle

    def judge_while_somebody_types(sandbox, now):
        idling.note_presence(sandbox.ref, active=True)
        return judge(sandbox, now)

    monkeypatch.setattr(idling, "_is_idle", judge_while_somebody_types)
    assert idling.freeze_idle(engine) == []


def test_freezing_for_want_of_use_can_be_turned_off(engine, session, settings):
    settings.LABS_IDLE_FREEZE_MINUTES = 0
    unused_for(session, 600)
    idling.freeze_idle(engine)
    assert idling.freeze_idle(engine) == []


def test_pooled_machines_and_those_under_check_are_left_alone(engine, session):
    pooled = SandboxFactory(state=State.POOLED)
    sessions.finish_lab(session)
    CheckRequest.objects.update(asked_at=timezone.now())
    unused_for(session, 600)
    Sandbox.objects.filter(pk=pooled.pk).update(active_at=timezone.now() - timedelta(hours=9))
    idling.freeze_idle(engine)
    assert idling.freeze_idle(engine) == []


def test_an_engine_that_tells_nothing_freezes_nobody(engine, session):
    unused_for(session, 600)
    engine.fail("usage", DriverError("no"))
    assert idling.freeze_idle(engine) == []
