"""Many at once (test_postgres.py runs this on PostgreSQL as well): one session, one lease, no uid and no subnet twice, and never too full."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db.utils import IntegrityError
from hypothesis import given, settings
from hypothesis import strategies as st

from community.api import Membership, Organisation
from labs import grading, provisioning, sessions, suspending
from labs.lifecycle import Reason, State
from labs.models import Allowance, CheckRequest, LabSession, Sandbox
from labs.refusals import HostFull, QuotaExceeded
from labs.scheduling.addresses import free_place
from tests.labs.factories import LabFactory, LearnerFactory, SandboxFactory, SessionFactory, node
from tests.racing import AT_ONCE, called_at_once

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=[app.name for app in apps.get_app_configs()]
)


def at_once(verb: Callable[[int], Any], times: int = AT_ONCE) -> list[Any]:
    """What ``verb(0)`` … returned or raised, called by as many threads in the same moment."""
    return called_at_once(verb, times, (QuotaExceeded, HostFull, IntegrityError))


@pytest.fixture(autouse=True)
def nothing_happens_by_itself(engine, monkeypatch):
    """What is enqueued stays there, so that each test decides who works when."""
    monkeypatch.setattr("labs.tasks.after_commit", lambda *_call, **_when: None)


def test_a_double_click_opens_one_session():
    learner, lab = LearnerFactory(), LabFactory()
    opened = at_once(lambda _n: sessions.start_lab(learner, lab))
    assert len({session.pk for session in opened}) == 1
    assert [session.is_new for session in opened].count(True) == 1
    assert Sandbox.objects.count() == 1


def test_of_two_labs_clicked_at_once_one_starts():
    learner = LearnerFactory()
    labs = [LabFactory() for _n in range(AT_ONCE)]
    answers = at_once(lambda n: sessions.start_lab(learner, labs[n]))
    assert sum(isinstance(answer, QuotaExceeded) for answer in answers) == AT_ONCE - 1
    assert LabSession.objects.count() == 1


def test_of_an_organisation_exactly_as_many_run_or_wait_as_it_may(settings):
    settings.SANDBOX_CAPACITY_CPUS = 1.5
    school = Organisation.objects.create(slug="school", name_zh="学院", name_en="School")
    Allowance.objects.create(organisation=school, sandboxes=5)
    learners = [LearnerFactory() for _n in range(20)]
    Membership.objects.bulk_create(Membership(organisation=school, person=person) for person in learners)
    lab = LabFactory(nodes=[node(cpus=0.5)])
    answers = at_once(lambda n: sessions.start_lab(learners[n], lab), times=20)
    assert sum(isinstance(answer, QuotaExceeded) for answer in answers) == 15
    assert LabSession.objects.open().count() == 5
    assert Sandbox.objects.count() == 3


def test_a_host_is_never_promised_twice(settings):
    settings.SANDBOX_CAPACITY_CPUS = 1.5
    lab = LabFactory(nodes=[node(cpus=0.5)])
    learners = [LearnerFactory() for _n in range(AT_ONCE)]
    answers = at_once(lambda n: sessions.start_lab(learners[n], lab))
    assert sum(answer.waiting_place is not None for answer in answers) == AT_ONCE - 3
    assert sum(Sandbox.objects.values_list("millicpus", flat=True)) == 1500


def test_no_uid_and_no_subnet_is_given_twice(settings):
    settings.SANDBOX_UIDS = f"300000-{300000 + 2 * AT_ONCE - 1}"
    settings.SANDBOX_SUBNETS = "10.99.0.0/25"
    lab = LabFactory()
    learners = [LearnerFactory() for _n in range(AT_ONCE)]
    at_once(lambda n: sessions.start_lab(learners[n], lab))
    assert sorted(Sandbox.objects.values_list("uid", flat=True)) == list(
        range(300_000, 300_000 + 2 * AT_ONCE, 2)
    )
    assert set(Sandbox.objects.values_list("subnet", flat=True)) == {
        f"10.99.0.{n * 16}/28" for n in range(AT_ONCE)
    }
    assert sessions.start_lab(LearnerFactory(), lab).waiting_place is not None


def test_one_of_many_workers_gets_the_lease():
    sandbox = SessionFactory(state=State.REQUESTED).sandbox
    tokens = at_once(lambda _n: Sandbox.objects.get(pk=sandbox.pk).take_lease())
    assert sorted(token for token in tokens if token) == [1]


def test_a_start_delivered_many_times_makes_one_sandbox(engine):
    sandbox = SessionFactory(state=State.REQUESTED).sandbox
    at_once(lambda _n: provisioning.provision(sandbox.pk))
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY
    assert [verb for verb, _ref in engine.calls].count("create") == 1


def test_one_of_many_movers_moves():
    sandbox = SandboxFactory(state=State.READY)
    moved = at_once(lambda _n: Sandbox.objects.get(pk=sandbox.pk).move(State.STOPPING))
    assert moved.count(True) == 1
    assert sandbox.events.count() == 1


def test_start_and_stop_at_once_leave_nothing(engine):
    sandbox = SessionFactory(state=State.REQUESTED).sandbox
    at_once(
        lambda n: (
            provisioning.stop(sandbox.pk, Reason.ABANDONED) if n % 2 else provisioning.provision(sandbox.pk)
        )
    )
    sandbox.refresh_from_db()
    assert sandbox.state == State.STOPPED
    assert engine.list_refs() == set()


def test_wishes_to_freeze_and_to_wake_that_meet_end_as_the_newest_says(engine):
    session = SessionFactory()
    engine.create(session.sandbox.spec())

    def wish_and_work(n):
        mine = LabSession.objects.get(pk=session.pk)
        (sessions.suspend if n % 2 else sessions.resume)(mine)
        suspending.settle(mine.sandbox.pk)

    for _round in range(3):
        at_once(wish_and_work)
        sandbox = session.sandbox
        asleep = {node.suspended for node in engine.sandboxes[sandbox.ref].nodes.values()}
        assert sandbox.is_settled
        assert sandbox.state == sandbox.wished_state
        assert asleep == {sandbox.state == State.SUSPENDED}


def test_a_check_asked_for_many_times_at_once_is_one_request():
    session = SessionFactory()
    asked = at_once(lambda _n: sessions.finish_lab(LabSession.objects.get(pk=session.pk)).pk)
    assert len(set(asked)) == 1
    assert CheckRequest.objects.count() == 1


def test_a_check_delivered_many_times_runs_once(engine):
    session = SessionFactory()
    engine.create(session.sandbox.spec())
    request = sessions.finish_lab(session)
    at_once(lambda _n: grading.check_work(request.pk))
    assert len(engine.runs) == 1
    session.refresh_from_db()
    assert session.passed_at is not None


def test_time_extended_many_times_at_once_is_extended_as_often_as_allowed(settings):
    settings.LABS_EXTEND_TIMES = 3
    session = SessionFactory()

    def extend(_n):
        try:
            return sessions.extend_time(LabSession.objects.get(pk=session.pk))
        except sessions.NoExtensionsLeft:
            return None

    assert at_once(extend).count(None) == AT_ONCE - 3
    session.refresh_from_db()
    assert session.extensions == 3


@pytest.mark.parametrize("column", ["uid", "subnet"])
def test_the_database_itself_refuses_the_same_to_two_live_sandboxes(column):
    first = SandboxFactory(state=State.READY)
    with pytest.raises(IntegrityError):
        SandboxFactory(state=State.STOPPING, **{column: getattr(first, column)})
    SandboxFactory(state=State.STOPPED, **{column: getattr(first, column)})


def test_the_database_itself_refuses_a_second_live_sandbox_of_a_session():
    session = SessionFactory(state=State.STOPPING)
    with pytest.raises(IntegrityError):
        SandboxFactory(session=session, state=State.REQUESTED)


@given(places=st.integers(1, 40), taken=st.sets(st.integers(-5, 60), max_size=60))
@settings(deadline=None)
def test_a_free_place_is_in_range_and_free_or_there_is_none(places, taken):
    free = set(range(places)) - taken
    try:
        assert free_place(places, taken) in free
    except HostFull:
        assert not free
