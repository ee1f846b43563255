"""Another size for a node that runs: within the lab's limits and the host's room, or refused with the figures."""

from dataclasses import astuple
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override

from labs import elasticity, provisioning, resizing, scheduling, sessions, tasks
from labs.bodies import outlook_body, session_body
from labs.drivers.base import DriverBusy, DriverError, NodeUsage
from labs.elasticity import Size
from labs.lifecycle import Reason, State
from labs.metering.limits import duration
from labs.models import Allowance, Meter, Node, Resize, Sandbox, UsageEntry
from labs.models.resizing import Problem
from labs.refusals import HostFull, NotReady, OutOfRange, QuotaExceeded, SessionClosed, SizeChanging
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory, node
from tests.labs.metering.conftest import card

pytestmark = pytest.mark.django_db

BASE = Size(500, 64)
LARGE = Size(1500, 192)


@pytest.fixture
def session(engine):
    nodes = [node("a", cpus_max=2.0, memory_mib_max=256), node("b")]
    session = SessionFactory(state=State.REQUESTED, lab=LabFactory(nodes=nodes))
    need = scheduling.needs(session.lab)
    cpus, memory = need.millicpus, need.memory_mib
    Sandbox.objects.update(millicpus=cpus, memory_mib=memory)
    provisioning.provision(session.sandbox.pk)
    return session


@pytest.fixture
def enlarged(session, committed):
    committed(elasticity.resize_node, session, "a", LARGE)
    return session


def size_in_engine(engine, session, name="a"):
    machine = engine.sandboxes[session.sandbox.ref].nodes[name]
    return Size(round(machine.cpus * 1000), machine.memory_mib)


def size_of(session, name="a"):
    return Size(*session.sandbox.nodes.values_list("millicpus", "memory_mib").get(name=name))


def allocated(session):
    return session.sandbox.millicpus, session.sandbox.memory_mib


def test_a_node_has_its_new_size_in_the_engine_in_its_row_and_in_what_the_host_has_given(
    engine, session, committed
):
    cpus, memory = allocated(session)
    committed(elasticity.resize_node, session, "a", LARGE)
    assert size_in_engine(engine, session) == size_of(session) == LARGE
    assert size_of(session, "b") == BASE
    assert allocated(session) == (cpus + 1000, memory + 128)
    assert session.sandbox.events.last().detail == "node a now has 1.5 cpus, 192 MiB"


def test_it_can_go_back(engine, enlarged, committed):
    committed(elasticity.resize_node, enlarged, "a", BASE)
    assert size_in_engine(engine, enlarged) == size_of(enlarged) == BASE
    assert allocated(enlarged) == astuple(scheduling.needs(enlarged.lab))


def test_a_node_made_anew_keeps_its_size(engine, enlarged, committed):
    committed(sessions.restart_node, enlarged, "a")
    assert size_in_engine(engine, enlarged) == LARGE


@pytest.mark.parametrize("size", [Size(2001, 64), Size(499, 64), Size(500, 257), Size(500, 63)])
def test_nothing_beyond_what_the_lab_allows_is_granted(session, size):
    with override("en"), pytest.raises(OutOfRange, match=r"0\.5 to 2 processors and 64 to 256 MiB"):
        elasticity.resize_node(session, "a", size)


def test_a_lab_that_leaves_no_choice_leaves_none(session):
    with pytest.raises(OutOfRange):
        elasticity.resize_node(session, "b", Size(600, 64))
    with pytest.raises(Node.DoesNotExist):
        elasticity.resize_node(session, "c", LARGE)


def test_the_host_must_have_room_for_more_and_gives_less_always(session, enlarged, settings, committed):
    settings.SANDBOX_CAPACITY_CPUS = enlarged.sandbox.millicpus / 1000
    with pytest.raises(HostFull):
        elasticity.resize_node(enlarged, "a", Size(1600, 192))
    committed(elasticity.resize_node, enlarged, "a", BASE)
    assert size_of(enlarged) == BASE


def test_the_same_size_again_is_no_change(session, enlarged):
    assert elasticity.resize_node(enlarged, "a", LARGE) is None
    assert Resize.objects.count() == 1


def test_while_one_change_is_under_way_another_is_refused(session):
    elasticity.resize_node(session, "a", LARGE)
    with pytest.raises(SizeChanging):
        elasticity.resize_node(session, "a", Size(600, 64))


def test_memory_that_is_in_use_is_not_taken_away_and_the_figures_are_told(engine, enlarged, committed):
    given = allocated(enlarged)
    machine = engine.sandboxes[enlarged.sandbox.ref].nodes["a"]
    machine.usage = NodeUsage(machine.usage.cpu_ns, 200 * 2**20, 2)
    committed(elasticity.resize_node, enlarged, "a", BASE)
    answer = Resize.objects.last()
    assert (answer.problem, answer.in_use_mib) == (Problem.IN_USE, 200)
    assert size_in_engine(engine, enlarged) == size_of(enlarged) == LARGE
    assert allocated(enlarged) == given
    size = session_body(enlarged)["nodes"][0]["size"]
    assert "200 MiB" in size["problem"]
    assert not size["changing"]


def test_what_the_engine_refuses_gives_the_room_back(engine, session, committed):
    given = allocated(session)
    engine.fail("resize", DriverError("no such cgroup"))
    committed(elasticity.resize_node, session, "a", LARGE)
    assert (Resize.objects.get().problem, Resize.objects.get().detail) == (Problem.ENGINE, "no such cgroup")
    assert allocated(session) == given
    assert size_of(session) == BASE


def test_a_busy_engine_is_asked_again_by_the_sweep(engine, session, committed):
    engine.fail("resize", DriverBusy("later"))
    committed(elasticity.resize_node, session, "a", LARGE)
    assert size_of(session) == BASE
    Sandbox.objects.update(lease_until=None)
    Resize.objects.update(asked_at=timezone.now() - timedelta(minutes=1))
    tasks.sweep()
    assert size_of(session) == LARGE


def test_a_message_delivered_twice_changes_the_size_once(engine, enlarged):
    resizing.resize_nodes(enlarged.sandbox.pk)
    assert [verb for verb, _ref in engine.calls].count("resize") == 1


def test_what_has_ended_or_not_begun_has_no_size_to_change(session):
    with pytest.raises(NotReady):
        elasticity.resize_node(SessionFactory(state=State.PROVISIONING), "box", LARGE)
    sessions.abandon(session)
    with pytest.raises(SessionClosed):
        elasticity.resize_node(session, "a", LARGE)


def test_a_change_that_comes_too_late_is_answered_and_holds_nothing(session):
    given = allocated(session)
    elasticity.resize_node(session, "a", LARGE)
    session.sandbox.begin_stop(Reason.ABANDONED)
    resizing.resize_nodes(session.sandbox.pk)
    assert Resize.objects.get().problem == Problem.ENDED
    assert allocated(session) == given


def test_frozen_machines_can_be_resized_and_stay_frozen(engine, session, committed):
    committed(sessions.suspend, session)
    committed(elasticity.resize_node, session, "a", LARGE)
    assert size_in_engine(engine, session) == LARGE
    assert session.sandbox.state == State.SUSPENDED


def test_each_size_is_metered_for_its_own_time(engine, session, committed, time_machine):
    node = session.sandbox.nodes.get(name="a")
    started = Meter.objects.get(node="a").since
    time_machine.move_to(started + timedelta(seconds=60), tick=False)
    committed(elasticity.resize_node, session, "a", LARGE)
    time_machine.move_to(started + timedelta(seconds=100), tick=False)
    provisioning.stop(session.sandbox.pk, Reason.FINISHED)
    held = UsageEntry.objects.filter(node="a").exclude(state=State.STOPPING)
    large = session.sandbox.nodes.get(name="a").millicpus
    assert large > node.millicpus
    assert list(held.values_list("duration_us", "millicpus")) == [
        (60_000_000, node.millicpus),
        (40_000_000, large),
    ]


class TestOutlook:
    def words(self, session, size):
        with override("en"):
            return outlook_body(elasticity.outlook(session, "a", size))

    def test_the_change_in_price_is_told_before_it_is_made(self, session):
        card()
        larger = self.words(session, LARGE)
        assert larger["price"] == {"before": "¥3.25", "after": "¥9.50", "difference": "+¥6.25"}
        assert "costs ¥9.50 an hour instead of ¥3.25 (+¥6.25)" in larger["words"]
        assert size_of(session) == BASE

    def test_a_smaller_size_costs_less(self, enlarged):
        card()
        assert self.words(enlarged, BASE)["price"]["difference"] == "−¥6.25"

    def test_where_nothing_costs_and_nothing_is_limited_there_is_nothing_to_say(self, session):
        assert self.words(session, LARGE) == {"price": None, "lasts_s": None, "words": ""}

    def test_how_long_what_is_left_lasts_is_told_for_all_machines_together(self, session):
        Allowance.objects.create(cpu_seconds=2 * 7200)
        found = self.words(session, LARGE)
        # One and a half processors, and the half of the other machine.
        assert 6000 < found["lasts_s"] <= 7200
        with override("en"):
            assert f"lasts {duration(found['lasts_s'])}" in found["words"]

    def test_no_size_is_granted_at_which_the_rest_would_be_gone_before_anybody_is_warned(
        self, session, settings, committed
    ):
        settings.LABS_BUDGET_GRACE_SECONDS = 600
        allowance = Allowance.objects.create(cpu_seconds=1000)
        with override("en"), pytest.raises(QuotaExceeded, match="would last only"):
            elasticity.resize_node(session, "a", LARGE)
        committed(elasticity.resize_node, session, "a", Size(500, 192))
        assert size_of(session) == Size(500, 192)
        Allowance.objects.filter(pk=allowance.pk).update(cpu_seconds=10_000)
        committed(elasticity.resize_node, session, "a", LARGE)
        assert size_of(session) == LARGE

    def test_programs_ask_for_it_and_are_refused_a_size_beyond_the_lab(self, client, session):
        card()
        client.force_login(session.learner, "django.contrib.auth.backends.ModelBackend")
        address = f"/api/v1/lab-sessions/{session.pk}/nodes/a/size"
        answer = client.get(address, {"cpus": 1.5, "memory_mib": 192, "lang": "en"})
        assert answer.json()["price"]["difference"] == "+¥6.25"
        assert client.get(address, {"cpus": 3, "memory_mib": 192}).status_code == 409


def test_a_home_on_disk_is_promised_no_memory(engine, committed):
    lab = LabFactory(nodes=[node("kept", disk_mib=512), node("small")])
    session = committed(sessions.start_lab, LearnerFactory(), lab)
    machines = engine.sandboxes[session.sandbox.ref].nodes.values()
    assert [machine.spec.limit_mib for machine in machines] == [64 + 32 + 16, 64 + 16 + 32 + 16]
    assert allocated(session)[1] == sum(machine.spec.limit_mib for machine in machines)
    assert [found.limit_mib for found in session.sandbox.nodes.all()] == [112, 128]
