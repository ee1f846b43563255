"""The sweep: whatever was lost is owed, whatever is nobody's goes, and nothing else is touched."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from labs import sessions, sweeping, tasks
from labs.drivers.base import DriverError, DriverUnavailable, Problem, SandboxSpec
from labs.lifecycle import Reason, State
from labs.models import CheckRequest, Host, Sandbox
from tests.labs.factories import LabFactory, SandboxFactory, SessionFactory, node

pytestmark = pytest.mark.django_db


def made(engine, **changes):
    """A ready session whose machines the engine has."""
    session = SessionFactory(**changes)
    engine.create(session.sandbox.spec())
    return session


def long_ago():
    Sandbox.objects.update(moved_at=timezone.now() - timedelta(minutes=1))


def test_a_world_in_order_owes_nothing(engine):
    made(engine)
    SessionFactory(state=State.STOPPED)
    assert sweeping.sweep() == sweeping.Owed()


def test_a_session_whose_time_is_up_ends(engine):
    session = made(engine, expires_at=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    session.refresh_from_db()
    assert session.closed_at is not None
    assert session.sandbox.reason == Reason.EXPIRED
    long_ago()
    tasks.sweep()
    assert session.sandbox.state == State.STOPPED
    assert engine.list_refs() == set()


def test_a_finish_asked_for_in_time_is_still_judged(engine):
    session = made(engine)
    sessions.finish_lab(session)
    session.expires_at = timezone.now() - timedelta(seconds=1)
    session.save()
    sweeping.sweep()
    assert session.sandbox.state == State.READY


def test_a_lost_start_message_is_sent_again(engine):
    session = SessionFactory(state=State.REQUESTED)
    assert sweeping.sweep().provision == []
    long_ago()
    tasks.sweep()
    assert session.sandbox.state == State.READY


def test_a_dead_workers_lease_is_taken_up_and_a_living_ones_is_not(engine):
    session = SessionFactory(state=State.PROVISIONING)
    session.sandbox.take_lease()
    long_ago()
    assert sweeping.sweep().provision == []
    Sandbox.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    assert session.sandbox.state == State.READY


def test_half_stopped_sandboxes_are_finished(engine):
    session = made(engine, state=State.STOPPING)
    long_ago()
    tasks.sweep()
    assert session.sandbox.state == State.STOPPED


def test_what_the_database_does_not_know_is_removed(engine):
    session = made(engine)
    engine.create(SandboxSpec(ref="stranger", uid=299_998, subnet="10.213.255.0/28", nodes=()))
    sweeping.sweep()
    assert engine.list_refs() == {session.sandbox.ref}


def test_a_row_that_has_stopped_owns_nothing_any_more(engine):
    made(engine, state=State.STOPPED)
    sweeping.sweep()
    assert engine.list_refs() == set()


def test_machines_made_while_the_sweep_looks_are_left_alone(engine, monkeypatch):
    listed = engine.list_refs

    def list_then_start():
        refs = listed()
        made(engine)
        return refs

    monkeypatch.setattr(engine, "list_refs", list_then_start)
    sweeping.sweep()
    assert len(listed()) == 1


def test_one_stubborn_orphan_does_not_shield_the_others(engine):
    engine.create(SandboxSpec(ref="one", uid=299_996, subnet="10.213.254.0/28", nodes=()))
    engine.create(SandboxSpec(ref="two", uid=299_998, subnet="10.213.255.0/28", nodes=()))
    engine.fail("destroy", DriverError("busy"))
    sweeping.sweep()
    assert len(engine.list_refs()) == 1


def test_a_node_lost_behind_our_back_is_made_again_and_the_learner_is_told(engine):
    session = made(engine, lab=LabFactory(nodes=[node("a"), node("b")]))
    ref = session.sandbox.ref
    epoch = engine.sandboxes[ref].nodes["a"].epoch
    engine.lose(ref, "b")
    tasks.sweep()
    assert engine.health(ref).ok
    assert engine.sandboxes[ref].nodes["a"].epoch == epoch
    assert session.sandbox.nodes.exclude(lost_at=None).get().name == "b"
    assert session.sandbox.state == State.READY


def test_a_whole_sandbox_lost_behind_our_back_is_made_again(engine):
    session = made(engine)
    engine.lose(session.sandbox.ref)
    tasks.sweep()
    assert engine.health(session.sandbox.ref).ok


def test_a_sandbox_that_cannot_be_had_back_ends_as_failed(engine, settings):
    session = made(engine)
    engine.lose(session.sandbox.ref)
    engine.fail("create", DriverError("image is gone"), times=settings.SANDBOX_ATTEMPTS)
    for _time in range(settings.SANDBOX_ATTEMPTS):
        tasks.sweep()
        session.sandbox.nodes.exclude(restart_asked_at=None).update(
            restart_asked_at=timezone.now() - timedelta(minutes=1)
        )
        Sandbox.objects.update(lease_until=None)
    assert (session.sandbox.reason, session.sandbox.detail) == (Reason.FAILED, "image is gone")


def test_a_pooled_sandbox_that_lost_a_node_is_given_up(engine):
    sandbox = SandboxFactory(state=State.POOLED)
    engine.create(sandbox.spec())
    engine.lose(sandbox.ref)
    tasks.sweep()
    sandbox.refresh_from_db()
    assert sandbox.state == State.STOPPED


def test_a_sandbox_that_a_worker_is_busy_with_is_not_looked_after(engine):
    session = made(engine)
    engine.lose(session.sandbox.ref)
    session.sandbox.take_lease()
    assert sweeping.sweep().restart == []


def test_a_lost_check_message_is_sent_again(engine):
    session = made(engine)
    sessions.finish_lab(session)
    assert sweeping.sweep().checks == []
    CheckRequest.objects.update(asked_at=timezone.now() - timedelta(minutes=1))
    tasks.sweep()
    assert CheckRequest.objects.get().answered_at is not None


def test_with_the_engine_away_nothing_is_harmed_and_it_is_said_once(engine, caplog):
    session = made(engine)
    caplog.set_level(logging.ERROR)
    engine.trouble = Problem("No engine.", "Start it.")
    for _time in range(3):
        engine.fail("list_refs", DriverUnavailable("No engine.", "Start it."))
        sweeping.sweep()
    assert session.sandbox.state == State.READY
    assert [record.message for record in caplog.records] == ["no labs can run: No engine. Start it."]
    assert Host.objects.get().remedy == "Start it."


def test_when_the_engine_is_back_the_news_is_withdrawn(engine):
    engine.trouble = Problem("No engine.", "Start it.")
    sweeping.sweep()
    assert sessions.engine_problem() is not None
    engine.trouble = None
    sweeping.sweep()
    assert sessions.engine_problem() is None
