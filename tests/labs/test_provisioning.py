"""Workers: twice is as once, late is too late, and every failure ends somewhere."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from labs import provisioning
from labs.drivers.base import DriverBusy, DriverError, DriverUnavailable, NodeGone
from labs.lifecycle import Reason, State
from labs.models import Sandbox
from tests.labs.factories import LabFactory, SandboxFactory, SessionFactory, node

pytestmark = pytest.mark.django_db


def requested(**changes):
    return SessionFactory(state=State.REQUESTED, **changes).sandbox


def again(sandbox):
    """As when the sweep enqueues it anew after the pause."""
    Sandbox.objects.filter(pk=sandbox.pk).update(lease_until=None)
    provisioning.provision(sandbox.pk)
    sandbox.refresh_from_db()


def test_a_requested_sandbox_is_made_and_ready(engine):
    sandbox = requested()
    again(sandbox)
    assert sandbox.state == State.READY
    assert sandbox.lease_until is None
    assert list(sandbox.events.values_list("state", flat=True)) == [State.PROVISIONING, State.READY]


def test_the_engine_is_asked_for_what_the_row_says(engine):
    lab = LabFactory(nodes=[node("lb", cpus=0.25, memory_mib=96, read_only=False), node("web")])
    sandbox = requested(lab=lab)
    again(sandbox)
    spec = engine.sandboxes[sandbox.ref].spec
    assert (spec.uid, spec.subnet, spec.checker_uid) == (sandbox.uid, sandbox.subnet, sandbox.uid + 1)
    first, second = spec.nodes
    assert (first.name, first.cpus, first.memory_mib, first.read_only) == ("lb", 0.25, 96, False)
    assert first.address.endswith(".2")
    assert second.address.endswith(".3")


def test_a_message_delivered_twice_makes_one_sandbox(engine):
    sandbox = requested()
    again(sandbox)
    again(sandbox)
    assert [verb for verb, _ref in engine.calls].count("create") == 1


def test_while_one_worker_holds_the_lease_another_does_nothing(engine):
    sandbox = requested()
    sandbox.take_lease()
    provisioning.provision(sandbox.pk)
    assert engine.calls == []


def test_an_abandoned_lease_is_resumed_when_it_has_run_out(engine):
    sandbox = requested()
    sandbox.take_lease()
    sandbox.move(State.PROVISIONING)
    Sandbox.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    provisioning.provision(sandbox.pk)
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY


def test_a_sandbox_nobody_owns_goes_into_the_pool(engine):
    sandbox = SandboxFactory(state=State.REQUESTED)
    again(sandbox)
    assert sandbox.state == State.POOLED
    assert engine.list_refs() == {sandbox.ref}


def test_a_taken_subnet_means_the_next_one(engine, settings):
    settings.SANDBOX_SUBNETS = "10.213.250.0/27"
    sandbox = requested()
    Sandbox.objects.update(subnet="10.213.250.0/28")
    engine.taken_subnets = {"10.213.250.0/28"}
    again(sandbox)
    assert sandbox.state == State.READY
    assert sandbox.subnet == "10.213.250.16/28"


def test_when_every_subnet_is_taken_the_cause_is_said(engine, settings):
    settings.SANDBOX_SUBNETS = "10.213.250.0/28"
    settings.SANDBOX_ATTEMPTS = 1
    sandbox = requested()
    Sandbox.objects.update(subnet="10.213.250.0/28")
    engine.taken_subnets = {"10.213.250.0/28"}
    again(sandbox)
    assert (sandbox.state, sandbox.reason) == (State.STOPPED, Reason.FAILED)
    assert "10.213.250.0/28" in sandbox.detail


def test_a_failed_attempt_is_repeated_and_its_cause_kept(engine):
    sandbox = requested()
    engine.fail("create", DriverError("disk full"))
    again(sandbox)
    assert sandbox.state == State.PROVISIONING
    assert sandbox.lease_until > timezone.now()
    assert sandbox.events.filter(detail="disk full").exists()
    again(sandbox)
    assert sandbox.state == State.READY


def test_after_the_last_attempt_the_learner_is_told_why(engine, settings):
    sandbox = requested()
    engine.fail("create", DriverError("disk full"), times=settings.SANDBOX_ATTEMPTS)
    for _time in range(settings.SANDBOX_ATTEMPTS):
        again(sandbox)
    assert (sandbox.state, sandbox.reason, sandbox.detail) == (State.STOPPED, Reason.FAILED, "disk full")
    assert sandbox.session.closed_at is not None
    assert engine.list_refs() == set()


def test_workers_that_die_count_as_attempts_too(engine, settings):
    sandbox = requested()
    Sandbox.objects.update(attempts=settings.SANDBOX_ATTEMPTS)
    engine.fail("create", DriverBusy("no"))
    again(sandbox)
    assert sandbox.reason == Reason.FAILED


def test_an_engine_that_is_away_costs_no_attempt(engine, settings):
    sandbox = requested()
    engine.fail("create", DriverUnavailable("gone", "start it"), times=settings.SANDBOX_ATTEMPTS + 1)
    for _time in range(settings.SANDBOX_ATTEMPTS + 1):
        again(sandbox)
    assert (sandbox.state, sandbox.attempts) == (State.PROVISIONING, 0)
    again(sandbox)
    assert sandbox.state == State.READY


def test_an_engine_that_stays_away_is_not_waited_for_without_end(engine, settings):
    sandbox = requested()
    engine.fail("create", DriverUnavailable("No engine.", "Start it."))
    late = timedelta(seconds=settings.SANDBOX_PATIENCE_SECONDS + 1)
    Sandbox.objects.update(requested_at=timezone.now() - late)
    again(sandbox)
    assert (sandbox.state, sandbox.detail) == (State.STOPPED, "No engine. Start it.")


def test_what_is_made_after_the_stop_goes_as_well(engine, monkeypatch):
    sandbox = requested()

    def create_while_the_learner_leaves(create, spec):
        provisioning.stop(sandbox.pk, Reason.ABANDONED)
        create(spec)

    monkeypatch.setattr(engine, "create", partial(create_while_the_learner_leaves, engine.create))
    again(sandbox)
    assert sandbox.state == State.STOPPED
    assert engine.list_refs() == set()


def test_stopping_works_from_every_state(engine):
    for state in State:
        sandbox = SandboxFactory(state=state)
        provisioning.stop(sandbox.pk, Reason.ORPHANED)
        sandbox.refresh_from_db()
        assert sandbox.state == State.STOPPED


def test_an_engine_that_cannot_destroy_leaves_the_sandbox_on_its_way_out(engine):
    sandbox = SandboxFactory(state=State.READY)
    engine.fail("destroy", DriverBusy("later"))
    provisioning.stop(sandbox.pk, Reason.EXPIRED)
    sandbox.refresh_from_db()
    assert sandbox.state == State.STOPPING
    provisioning.stop(sandbox.pk)
    sandbox.refresh_from_db()
    assert (sandbox.state, sandbox.reason) == (State.STOPPED, Reason.EXPIRED)


def test_a_node_that_cannot_be_had_back_ends_the_sandbox(engine, settings):
    sandbox = requested()
    again(sandbox)
    engine.fail("restart", DriverError("no space"), times=settings.SANDBOX_ATTEMPTS)
    sandbox.nodes.update(restart_asked_at=timezone.now())
    for _time in range(settings.SANDBOX_ATTEMPTS):
        Sandbox.objects.update(lease_until=None)
        provisioning.restart_nodes(sandbox.pk)
    sandbox.refresh_from_db()
    assert (sandbox.state, sandbox.reason, sandbox.detail) == (State.STOPPED, Reason.FAILED, "no space")


def test_a_node_gone_when_its_restart_comes_is_made_again(engine):
    sandbox = requested()
    again(sandbox)
    engine.lose(sandbox.ref)
    engine.fail("restart", NodeGone("gone"))
    sandbox.nodes.update(restart_asked_at=timezone.now())
    provisioning.restart_nodes(sandbox.pk)
    assert engine.health(sandbox.ref).ok


def test_an_unknown_sandbox_is_nobodys_work(engine):
    provisioning.provision(4711)
    provisioning.stop(4711)
    provisioning.restart_nodes(4711)
    assert engine.calls == []
