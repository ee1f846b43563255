"""The ledger: every microsecond and nanosecond once, whatever is killed, lost, repeated or late."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from community.api import Membership, Organisation
from labs import metering, provisioning, tasks
from labs.drivers.base import DriverUnavailable, NodeUsage
from labs.lifecycle import Reason, State
from labs.models import Meter, Sandbox, UsageEntry
from labs.models.ledger import seal
from tests.labs.factories import LabFactory, SandboxFactory, SessionFactory, node
from tests.labs.metering.conftest import count, made

pytestmark = pytest.mark.django_db

S = 1_000_000_000


def entries() -> list[UsageEntry]:
    return list(UsageEntry.objects.all())


def intervals() -> list[UsageEntry]:
    """The entries without the last moment of a sandbox on its way out, in which only the counter goes on."""
    return [entry for entry in entries() if entry.state != State.STOPPING]


def unbroken(found: list[UsageEntry]) -> bool:
    """Whether each entry goes on exactly where the one before it ended, in time, counter and digest."""
    previous, digest = None, ""
    for entry in found:
        if previous is not None and (
            entry.sequence != previous.sequence + 1
            or entry.began_at != previous.ended_at
            or entry.counter_start not in {previous.counter_end, 0}
        ):
            return False
        if seal(entry, digest) != entry.digest:
            return False
        previous, digest = entry, entry.digest
    return True


def test_a_whole_life_is_in_the_ledger_to_the_microsecond_and_the_nanosecond(engine, clock):
    sandbox = made(engine)
    for second in range(1, 40):
        clock(10)
        count(engine, sandbox, second * 2)
        metering.sample()
    clock(0.25)
    count(engine, sandbox, 78.5)
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    found = entries()
    assert unbroken(found)
    assert [round(entry.duration_us / 1e6, 2) for entry in found] == [300, 90.25, 0]
    assert sum(entry.cpu_ns for entry in found) == round(78.5 * S)
    assert sum(entry.millicpu_us for entry in found) == 390_250_000 * 500
    assert sum(entry.mib_us for entry in found) == 390_250_000 * 128
    assert found[0].memory_kib_ms == 10 * 1024 * 290_000
    assert found[0].learner == sandbox.session.learner
    assert not Meter.objects.running().exists()


def test_a_sandbox_that_was_never_ready_used_nothing(engine):
    session = SessionFactory(state=State.REQUESTED)
    provisioning.stop(session.sandbox.pk, Reason.ABANDONED)
    metering.sample()
    assert entries() == []
    assert not Meter.objects.exists()


def test_a_worker_killed_between_reading_and_writing_loses_and_repeats_nothing(engine, clock, monkeypatch):
    sandbox = made(engine)
    clock(300)
    count(engine, sandbox, 100)
    with monkeypatch.context() as patched:
        patched.setattr(Meter, "save", lambda *_a, **_k: (_ for _ in ()).throw(SystemExit()))
        with pytest.raises(SystemExit), transaction.atomic():
            metering.sample()
    assert entries() == []
    clock(60)
    count(engine, sandbox, 130)
    metering.sample()
    (entry,) = entries()
    assert (entry.cpu_ns, entry.duration_us) == (130 * S, 360 * 1_000_000)


def test_moves_that_nobody_told_the_meter_of_are_read_from_the_sandboxs_history(engine, clock):
    sandbox = made(engine)
    for state, seconds in ((State.SUSPENDED, 30), (State.READY, 50), (State.SUSPENDED, 7)):
        clock(seconds)
        sandbox.move(state)
    clock(13)
    metering.sample()
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    found = entries()
    assert [(entry.state, entry.duration_us // 1_000_000) for entry in found] == [
        ("ready", 30),
        ("suspended", 50),
        ("ready", 7),
        ("suspended", 13),
    ]
    assert sum(entry.millicpu_us for entry in found) == 37 * 1_000_000 * 500
    assert sum(entry.mib_us for entry in found) == 100 * 1_000_000 * 128
    assert unbroken(found)


def test_noting_a_change_twice_changes_nothing(engine, clock):
    sandbox = made(engine)
    clock(5)
    sandbox.move(State.SUSPENDED)
    metering.note_change(sandbox)
    metering.note_change(sandbox)
    assert len(entries()) == 1


def test_a_new_size_is_paid_from_the_moment_it_holds(engine, clock):
    sandbox = made(engine)
    clock(20)
    sandbox.nodes.update(millicpus=1500, memory_mib=256)
    metering.note_change(sandbox)
    clock(10)
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    assert [(e.millicpus, e.memory_mib, e.duration_us // 1_000_000) for e in intervals()] == [
        (500, 128, 20),
        (1500, 320, 10),
    ]


def test_a_node_made_anew_counts_from_zero_and_what_the_old_one_used_stays(engine, clock):
    sandbox = made(engine)
    clock(10)
    count(engine, sandbox, 8)
    sandbox.nodes.update(restart_asked_at=timezone.now())
    provisioning.restart_nodes(sandbox.pk)
    clock(10)
    count(engine, sandbox, 9)
    metering.sample()
    clock(10)
    count(engine, sandbox, 12)
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    found = entries()
    assert sum(entry.cpu_ns for entry in found) == 20 * S
    assert len({entry.epoch for entry in found}) == 2
    assert unbroken(found)


def test_a_counter_that_fell_behind_is_another_counter(engine, clock):
    sandbox = made(engine)
    machine = engine.sandboxes[sandbox.ref].nodes["box"]
    for seconds in (50, 3, 4):
        clock(10)
        count(engine, sandbox, seconds)
        metering.sample()
    assert machine.usage.cpu_ns == 4 * S
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    assert sum(entry.cpu_ns for entry in entries()) == 54 * S


def test_a_reading_that_comes_late_is_left_out(engine, clock):
    sandbox = made(engine)
    before = timezone.now()
    clock(10)
    count(engine, sandbox, 9)
    metering.sample()
    old = {"box": NodeUsage(2 * S, 0, 1, "another container, long gone")}
    metering.meters._settle(sandbox.pk, old, before)
    meter = Meter.objects.get()
    assert meter.counter == 9 * S
    assert entries() == []


def test_with_the_engine_away_time_goes_on_and_the_counter_is_caught_up_with(engine, clock):
    sandbox = made(engine)
    engine.fail("usages", DriverUnavailable("away"))
    clock(300)
    count(engine, sandbox, 40)
    assert metering.sample() == 1
    clock(10)
    engine.fail("usage", DriverUnavailable("away"))
    metering.sample()
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    found = entries()
    assert [entry.cpu_ns for entry in found] == [0, 40 * S]
    assert sum(entry.duration_us for entry in found) == 310 * 1_000_000


def test_waiting_in_the_pool_is_nobodys_and_the_learner_begins_where_the_pool_ended(engine, clock):
    pooled = SandboxFactory(state=State.REQUESTED)
    provisioning.provision(pooled.pk)
    clock(40)
    count(engine, pooled, 2)
    metering.sample()
    clock(5)
    session = SessionFactory(state=State.STOPPED)
    Sandbox.objects.filter(pk=pooled.pk).update(session=session)
    pooled.refresh_from_db()
    pooled.move(State.READY)
    clock(20)
    count(engine, pooled, 5)
    provisioning.stop(pooled.pk, Reason.FINISHED)
    waited, worked = intervals()
    (rest,) = (entry for entry in entries() if entry.state == State.STOPPING)
    assert (waited.learner_id, waited.millicpu_us, waited.cpu_ns) == (None, 0, 2 * S)
    assert (worked.learner_id, worked.lab) == (session.learner_id, session.lab.slug)
    assert (worked.cpu_ns + rest.cpu_ns, worked.duration_us) == (3 * S, 20 * 1_000_000)
    assert rest.learner_id == session.learner_id


def test_the_organisation_that_pays_is_written_down(engine, clock):
    session = SessionFactory(state=State.REQUESTED)
    school = Organisation.objects.create(slug="school", name_zh="学校", name_en="School")
    Membership.objects.create(organisation=school, person=session.learner)
    provisioning.provision(session.sandbox.pk)
    clock(60)
    since = timezone.now() - timedelta(seconds=45)
    total = metering.used(organisation=school.pk, since=since)
    assert total.cpu_seconds == 45 / 2
    provisioning.stop(session.sandbox.pk, Reason.FINISHED)
    assert metering.used(organisation=school.pk, since=since).cpu_seconds == total.cpu_seconds
    assert entries()[0].organisation == school


def test_what_was_used_is_told_for_people_from_entries_and_running_meters_alike(engine, clock):
    sandbox, other = made(engine), made(engine)
    began = timezone.now()
    clock(300)
    count(engine, sandbox, 7)
    metering.sample()
    clock(10)
    total = metering.used([sandbox.session.learner_id], since=began)
    assert (total.cpu_seconds, total.mib_seconds, total.used_cpu_seconds) == (155, 310 * 128, 7)
    both = [sandbox.session.learner_id, other.session.learner_id]
    assert metering.used(both, since=began).cpu_seconds == 310
    assert metering.used([0], since=began) == metering.Totals()


def test_each_node_of_a_sandbox_has_its_own_meter(engine, clock):
    lab = LabFactory(nodes=[node("box"), node("web", cpus=1.0)])
    sandbox = made(engine, lab=lab)
    clock(10)
    count(engine, sandbox, 1)
    count(engine, sandbox, 2, node="web")
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    assert {(e.node, e.cpu_ns // S) for e in entries() if e.cpu_ns} == {("box", 1), ("web", 2)}
    assert {(e.node, e.millicpus) for e in entries()} == {("box", 500), ("web", 1000)}


@pytest.mark.parametrize(
    "verb",
    [
        lambda: UsageEntry.objects.update(memory_kib_ms=1),
        lambda: UsageEntry.objects.all().delete(),
        lambda: connection.cursor().execute("UPDATE labs_usageentry SET lab = 'free'"),
    ],
    ids=["update", "delete", "raw"],
)
def test_the_database_lets_nobody_change_or_delete_an_entry(engine, clock, verb):
    sandbox = made(engine)
    clock(5)
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    before = entries()[0].digest
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        verb()
    assert entries()[0].digest == before


def test_what_was_used_outlives_the_person_and_the_session(engine, clock):
    sandbox = made(engine)
    learner = sandbox.session.learner
    number = learner.pk
    clock(5)
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    learner.delete()
    assert {entry.learner_id for entry in entries()} == {number}


def test_the_meters_are_read_by_a_task_of_their_own(engine, clock):
    made(engine)
    clock(300)
    tasks.sample()
    assert len(entries()) == 1


def test_a_sample_costs_a_handful_of_queries_per_sandbox(engine, clock, django_assert_max_num_queries):
    for _number in range(3):
        made(engine)
    clock(10)
    metering.sample()
    clock(10)
    with django_assert_max_num_queries(1 + 3 * 8):
        metering.sample()
