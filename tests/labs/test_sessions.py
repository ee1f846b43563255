"""What a learner's wish does to the rows, and what it never does."""

from datetime import timedelta

import pytest
from django.conf import settings as product
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from labs import pool, provisioning, sessions, tasks
from labs.lifecycle import Reason, State
from labs.models import Host, LabSession, Node, Sandbox
from labs.refusals import (
    HostFull,
    NoEngine,
    NoExtensionsLeft,
    NotReady,
    QuotaExceeded,
    SessionClosed,
    TooOften,
)
from tests.labs.factories import LabFactory, LearnerFactory, SandboxFactory, SessionFactory, node

pytestmark = pytest.mark.django_db


def test_a_started_lab_becomes_ready(engine, committed, learner, lab):
    session = committed(sessions.start_lab, learner, lab)
    assert session.is_new
    assert session.sandbox.state == State.READY
    assert engine.list_refs() == {session.sandbox.ref}


def test_asking_twice_gives_the_same_open_session(engine, committed, learner, lab):
    first = committed(sessions.start_lab, learner, lab)
    again = committed(sessions.start_lab, learner, lab)
    assert again == first
    assert not again.is_new
    assert Sandbox.objects.count() == 1


def test_nothing_is_provisioned_when_the_request_rolls_back(engine, learner, lab):
    with transaction.atomic():
        sessions.start_lab(learner, lab)
        transaction.set_rollback(True)
    assert engine.list_refs() == set()
    assert not LabSession.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("waits_in_the_pool", [False, True])
def test_a_broker_that_is_away_at_the_commit_fails_no_start(
    engine, learner, lab, monkeypatch, waits_in_the_pool
):
    def away(*_ids, **_options):
        raise OperationalError("no broker")

    for task in (tasks.provision, tasks.refill, tasks.thaw):
        monkeypatch.setattr(task, "apply_async", away)
    pooled = SandboxFactory(frozen_at=timezone.now()) if waits_in_the_pool else None
    monkeypatch.setattr(pool, "claim", lambda _session: pooled)
    monkeypatch.setattr(pool, "thaw_at_once", lambda _sandbox: False)
    assert sessions.start_lab(learner, lab).is_new


def test_the_front_desk_never_calls_the_engine(engine, learner, lab):
    session = sessions.start_lab(learner, lab)
    sessions.abandon(session)
    assert engine.calls == []


def test_a_session_lasts_as_long_as_its_lab_says(engine, learner):
    session = sessions.start_lab(learner, LabFactory(minutes=25))
    assert session.expires_at - session.opened_at == timedelta(minutes=25)


def test_a_second_lab_waits_for_the_first(engine, learner, lab):
    first = sessions.start_lab(learner, lab)
    with pytest.raises(QuotaExceeded, match=lab.title) as refusal:
        sessions.start_lab(learner, LabFactory())
    assert refusal.value.session_id == str(first.pk)


def test_after_leaving_one_lab_another_starts_at_once(engine, learner, lab):
    sessions.abandon(sessions.start_lab(learner, lab))
    assert sessions.start_lab(learner, LabFactory()).is_new


def test_a_lab_larger_than_the_host_is_refused_with_what_it_needs_and_what_there_is(
    engine, learner, settings
):
    settings.SANDBOX_CAPACITY_MIB = 300
    with pytest.raises(HostFull, match=r"1000 MiB.*300 MiB"):
        sessions.start_lab(learner, LabFactory(nodes=[node(memory_mib=1000 - 16 - 48)]))
    assert not LabSession.objects.exists()


def test_processors_fill_the_host_as_well(engine, learner, settings):
    settings.SANDBOX_CAPACITY_CPUS = 1
    SessionFactory(lab=LabFactory(), state=State.READY)
    waiting = sessions.start_lab(learner, LabFactory(nodes=[node(cpus=0.75)]))
    assert waiting.waiting_place.position == 1
    assert waiting.sandbox is None


def test_a_stopped_sandbox_takes_no_room(engine, learner, settings):
    settings.SANDBOX_CAPACITY_CPUS = 0.75
    SessionFactory(state=State.STOPPED)
    assert sessions.start_lab(learner, LabFactory()).is_new


def test_without_an_engine_the_cause_and_the_fix_are_said(learner, lab):
    Host.objects.create(pk=1, problem="No engine.", remedy="Start it.", seen_at=timezone.now())
    with pytest.raises(NoEngine, match=r"No engine\.") as refusal:
        sessions.start_lab(learner, lab)
    assert refusal.value.remedy == "Start it."


def test_old_news_of_a_missing_engine_hinders_nobody(engine, learner, lab):
    Host.objects.create(pk=1, problem="No engine.", seen_at=timezone.now() - timedelta(minutes=5))
    assert sessions.start_lab(learner, lab).is_new
    assert sessions.engine_problem() is None


def test_starting_again_and_again_is_slowed_down(engine, learner, lab, settings):
    settings.LABS_STARTS_PER_HOUR = 2
    for _time in range(2):
        sessions.abandon(sessions.start_lab(learner, lab))
    with pytest.raises(TooOften):
        sessions.start_lab(learner, lab)


def test_nobody_sees_the_session_of_another(lab):
    session = SessionFactory(lab=lab)
    assert sessions.session_of(session.learner, session.pk) == session
    with pytest.raises(LabSession.DoesNotExist):
        sessions.session_of(LearnerFactory(), session.pk)


def test_a_person_whose_account_was_closed_has_no_session(lab):
    session = SessionFactory(lab=lab)
    session.learner.is_active = False
    with pytest.raises(LabSession.DoesNotExist):
        sessions.session_of(session.learner, session.pk)


def test_extending_moves_the_end_and_counts():
    session = SessionFactory()
    before = session.expires_at
    sessions.extend_time(session)
    assert session.expires_at - before == timedelta(minutes=product.LABS_EXTEND_MINUTES)
    assert session.extensions_left == product.LABS_EXTEND_TIMES - 1


def test_time_is_extended_only_so_often(settings):
    settings.LABS_EXTEND_TIMES = 1
    session = SessionFactory()
    sessions.extend_time(session)
    with pytest.raises(NoExtensionsLeft):
        sessions.extend_time(session)


def test_an_overdue_session_is_not_extended_back_to_life():
    session = SessionFactory(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(SessionClosed):
        sessions.extend_time(session)


def test_leaving_removes_the_machines_and_closes_without_a_pass(engine, committed, learner, lab):
    session = committed(sessions.start_lab, learner, lab)
    committed(sessions.abandon, session)
    session.refresh_from_db()
    assert (session.sandbox.state, session.sandbox.reason) == (State.STOPPED, Reason.ABANDONED)
    assert session.closed_at is not None
    assert session.passed_at is None
    assert engine.list_refs() == set()


def test_leaving_twice_changes_nothing(engine, committed, learner, lab):
    session = committed(sessions.start_lab, learner, lab)
    committed(sessions.abandon, session)
    closed_at = session.closed_at
    committed(sessions.abandon, session)
    assert session.closed_at == closed_at


def test_leaving_before_a_worker_came_leaves_nothing_to_make(engine, learner, lab):
    session = sessions.start_lab(learner, lab)
    sessions.abandon(session)
    provisioning.provision(session.sandbox.pk)
    assert engine.list_refs() == set()


def test_checks_wait_for_the_machines(learner):
    session = SessionFactory(state=State.PROVISIONING)
    with pytest.raises(NotReady):
        sessions.finish_lab(session)


def test_a_closed_session_is_not_checked():
    session = SessionFactory()
    sessions.abandon(session)
    with pytest.raises(SessionClosed):
        sessions.finish_lab(session)


def test_while_a_check_runs_asking_again_gives_the_same_request():
    session = SessionFactory()
    assert sessions.finish_lab(session) == sessions.finish_lab(session)
    step = session.lab.steps.get()
    assert sessions.check_work(session, step) == sessions.check_work(session, step)
    assert session.check_requests.count() == 2


def test_too_many_checks_within_a_minute_are_refused(engine, committed, settings):
    settings.LABS_CHECKS_PER_MINUTE = 1
    session = SessionFactory()
    step = session.lab.steps.get()
    committed(sessions.check_work, session, step)
    with pytest.raises(TooOften):
        sessions.check_work(session, step)


def test_a_restarted_node_is_new_and_the_others_are_not(engine, committed, learner):
    lab = LabFactory(nodes=[node("a"), node("b")])
    session = committed(sessions.start_lab, learner, lab)
    machines = engine.sandboxes[session.sandbox.ref].nodes
    before = {name: machines[name].epoch for name in machines}
    committed(sessions.restart_node, session, "b")
    assert machines["a"].epoch == before["a"]
    assert machines["b"].epoch != before["b"]
    assert not Node.objects.exclude(restart_asked_at=None).exists()


def test_a_node_that_the_lab_does_not_have_is_not_restarted():
    with pytest.raises(Node.DoesNotExist):
        sessions.restart_node(SessionFactory(), "nowhere")


def test_starting_a_lab_takes_a_bounded_number_of_queries(engine, learner, django_assert_max_num_queries):
    lab = LabFactory(nodes=[node(f"n{n}") for n in range(5)])
    with django_assert_max_num_queries(15):
        sessions.start_lab(learner, lab)
