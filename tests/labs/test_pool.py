"""The pool: as large as demand and operators want, never in a learner's way, and right again after any crash."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from labs import bodies, metering, pool, provisioning, sessions, tasks
from labs.drivers.base import DriverBusy, DriverError, DriverUnavailable
from labs.lifecycle import Reason, State
from labs.models import ImageSet, LabSession, Meter, QueuePlace, Sandbox, UsageEntry
from labs.pool.sizing import LOOK_AHEAD_S, LOOK_BACK_S, Limits, wanted
from labs.refusals import HostFull
from tests.labs.factories import LabFactory, LearnerFactory, SandboxFactory, SessionFactory, node

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def pool_in_use(engine, settings):
    settings.SANDBOX_POOL_PERCENT = 50


@pytest.fixture
def set_of():
    """The image set of a lab with other limits."""

    def change(lab, **limits):
        image_set = ImageSet.objects.for_lab(lab)
        ImageSet.objects.filter(pk=image_set.pk).update(**limits)
        return image_set

    return change


def states(lab):
    return list(
        Sandbox.objects.live()
        .filter(image_set=ImageSet.objects.for_lab(lab))
        .order_by("pk")
        .values_list("state", flat=True)
    )


def warm(committed, set_of, lab, count=1):
    """So many sandboxes of the lab wait in the pool."""
    set_of(lab, minimum=count)
    committed(tasks.refill)
    assert states(lab) == [State.POOLED] * count
    return list(Sandbox.objects.pooled().filter(image_set__isnull=False).order_by("pk"))


class TestSize:
    limits = st.builds(Limits, st.integers(0, 5), st.integers(0, 5), st.integers(0, 20))

    @given(limits, st.integers(0, 500), st.integers(0, 40))
    def test_it_lies_between_minimum_and_ceiling_unless_more_is_booked(self, limits, starts, booked):
        size = wanted(limits, starts=starts, booked=booked)
        assert min(limits.minimum, limits.ceiling) <= size <= max(limits.ceiling, booked)
        assert size >= booked

    @given(limits, st.integers(0, 500), st.integers(0, 40))
    def test_more_demand_never_makes_it_smaller(self, limits, starts, booked):
        size = wanted(limits, starts=starts, booked=booked)
        assert wanted(limits, starts=starts + 1, booked=booked) >= size
        assert wanted(limits, starts=starts, booked=booked + 1) >= size

    def test_without_demand_only_the_minimum_waits(self):
        assert wanted(Limits(minimum=2, reserve=3, ceiling=9), starts=0) == 2

    def test_demand_is_what_will_start_while_new_ones_are_made_and_the_reserve(self):
        many = 3 * LOOK_BACK_S // LOOK_AHEAD_S
        assert wanted(Limits(minimum=0, reserve=2, ceiling=9), starts=many) == 5


class TestRefill:
    def test_a_lab_nobody_starts_has_nothing_in_the_pool(self, lab, committed):
        committed(tasks.refill)
        assert states(lab) == []

    def test_a_lab_in_demand_has_its_reserve_ready(self, lab, committed):
        SessionFactory(lab=lab)
        committed(tasks.refill)
        assert states(lab) == [State.POOLED] * 2

    def test_starts_of_long_ago_are_no_demand(self, lab, committed):
        SessionFactory(lab=lab, opened_at=timezone.now() - timedelta(seconds=LOOK_BACK_S + 5))
        committed(tasks.refill)
        assert states(lab) == []

    def test_labs_with_exactly_alike_machines_share_a_set(self, lab, committed):
        SessionFactory(lab=lab)
        other = LabFactory(nodes=[node(read_only_reason="words for people", links=["x"])])
        assert ImageSet.objects.for_lab(other) == ImageSet.objects.for_lab(lab)
        differing = LabFactory(nodes=[node(pids=65)])
        assert ImageSet.objects.for_lab(differing) != ImageSet.objects.for_lab(lab)

    def test_what_waits_is_frozen_with_its_prompt_printed(self, lab, committed, set_of, engine):
        (sandbox,) = warm(committed, set_of, lab)
        machine = engine.sandboxes[sandbox.ref].nodes["box"]
        assert machine.suspended
        assert bytes(machine.shells[1].ring) == b"$ "
        assert sandbox.frozen_at is not None

    def test_what_waits_is_not_metered(self, lab, committed, set_of):
        warm(committed, set_of, lab)
        metering.sample()
        assert not UsageEntry.objects.exclude(learner=None).exists()
        assert not Meter.objects.exclude(learner=None).exists()

    def test_repeating_adds_nothing(self, lab, committed, set_of):
        warm(committed, set_of, lab, 2)
        committed(tasks.refill)
        assert states(lab) == [State.POOLED] * 2

    def test_booked_seats_are_made_ready_beyond_the_ceiling_until_their_time_is_over(
        self, lab, committed, set_of
    ):
        set_of(lab, ceiling=1)
        pool.expect(lab, 3, timezone.now() + timedelta(hours=1))
        committed(tasks.refill)
        assert states(lab) == [State.POOLED] * 3
        pool.expect(lab, 3, timezone.now() - timedelta(seconds=1))
        committed(tasks.refill)
        assert states(lab) == []

    def test_the_pool_holds_no_more_memory_than_its_share(self, lab, committed, set_of, settings):
        settings.SANDBOX_CAPACITY_MIB = 1000
        set_of(lab, minimum=4)
        committed(tasks.refill)
        assert states(lab) == [State.POOLED] * 3

    def test_while_somebody_waits_in_the_queue_nothing_is_added(self, lab, committed, set_of):
        waiting = SessionFactory(state=State.STOPPED, lab=LabFactory(nodes=[node(pids=70)]))
        place = QueuePlace.objects.create(session=waiting, millicpus=500, memory_mib=128)
        set_of(lab, minimum=1)
        committed(tasks.refill)
        assert states(lab) == []
        place.delete()
        committed(tasks.refill)
        assert states(lab) == [State.POOLED]

    def test_a_pool_switched_off_is_emptied(self, lab, committed, set_of, settings, engine):
        warm(committed, set_of, lab, 2)
        settings.SANDBOX_POOL_PERCENT = 0
        committed(tasks.refill)
        assert states(lab) == []
        assert engine.list_refs() == set()

    def test_too_many_are_drained(self, lab, committed, set_of):
        warm(committed, set_of, lab, 3)
        set_of(lab, minimum=1, reserve=0)
        committed(tasks.refill)
        assert states(lab) == [State.POOLED]
        assert set(Sandbox.objects.filter(state=State.STOPPED).values_list("reason", flat=True)) == {
            Reason.DRAINED
        }

    def test_a_changed_image_replaces_what_was_made_from_the_old_one(self, lab, committed, set_of, engine):
        (old,) = warm(committed, set_of, lab)
        engine.versions["base"] = "base:2"
        committed(tasks.refill)
        committed(tasks.refill)
        (new,) = Sandbox.objects.pooled()
        assert (new.pk != old.pk, new.versions) == (True, "base:2")

    def test_machines_that_no_published_lab_asks_for_are_drained(self, lab, committed, set_of):
        warm(committed, set_of, lab)
        lab.withdrawn_at = timezone.now()
        lab.save()
        committed(tasks.refill)
        assert not Sandbox.objects.pooled().exists()

    def test_machines_that_cannot_be_made_are_not_tried_without_end(
        self, lab, committed, set_of, engine, settings
    ):
        settings.SANDBOX_ATTEMPTS = 1
        engine.fail("create", DriverError("disk full"))
        set_of(lab, minimum=1)
        committed(tasks.refill)
        committed(tasks.refill)
        assert [verb for verb, _ref in engine.calls].count("create") == 1

    def test_what_cannot_be_frozen_waits_unfrozen(self, lab, committed, set_of, engine):
        engine.fail("suspend", DriverBusy("no freezer"))
        (sandbox,) = warm(committed, set_of, lab)
        assert sandbox.frozen_at is None
        session = committed(sessions.start_lab, LearnerFactory(), lab)
        assert session.sandbox == sandbox
        assert "thaw" not in [verb for verb, _ref in engine.calls]


class TestClaim:
    def test_a_learner_gets_what_waits_at_once(self, lab, committed, set_of, engine):
        (sandbox,) = warm(committed, set_of, lab)
        session = committed(sessions.start_lab, LearnerFactory(), lab)
        assert (session.sandbox, session.sandbox.state) == (sandbox, State.READY)
        assert not engine.sandboxes[sandbox.ref].nodes["box"].suspended
        assert session.sandbox.frozen_at is None

    def test_getting_it_takes_few_queries(self, lab, committed, set_of, django_assert_max_num_queries):
        warm(committed, set_of, lab)
        learner = LearnerFactory()
        with django_assert_max_num_queries(10):
            session = sessions.start_lab(learner, lab)
        assert session.claimed.state == State.READY

    def test_what_is_told_of_it_at_once_is_what_is_told_later(self, lab, committed, set_of):
        warm(committed, set_of, lab)
        session = committed(sessions.start_lab, LearnerFactory(), lab)
        at_once = bodies.session_body(session, session.claimed)
        later = bodies.session_body(LabSession.objects.get(pk=session.pk))
        assert {**at_once, "now": None} == {**later, "now": None}

    def test_the_pool_is_filled_up_again(self, lab, committed, set_of):
        (sandbox,) = warm(committed, set_of, lab)
        committed(sessions.start_lab, LearnerFactory(), lab)
        assert sandbox.pk not in Sandbox.objects.pooled().values_list("pk", flat=True)
        assert Sandbox.objects.pooled().exists()

    def test_the_meter_runs_from_the_claim(self, lab, committed, set_of):
        warm(committed, set_of, lab)
        learner = LearnerFactory()
        before = timezone.now()
        committed(sessions.start_lab, learner, lab)
        metering.sample()
        assert Meter.objects.get(learner=learner).since >= before

    def test_other_machines_are_not_what_the_lab_asks_for(self, lab, committed, set_of):
        (sandbox,) = warm(committed, set_of, lab)
        other = LabFactory(nodes=[node(memory_mib=65)])
        assert committed(sessions.start_lab, LearnerFactory(), other).sandbox != sandbox

    def test_a_start_that_rolls_back_leaves_the_pool_as_it_was(self, lab, committed, set_of, monkeypatch):
        (sandbox,) = warm(committed, set_of, lab)
        given = Sandbox.hand_over
        monkeypatch.setattr(Sandbox, "hand_over", lambda box, session: given(box, session) / 0)
        with pytest.raises(ZeroDivisionError):
            sessions.start_lab(LearnerFactory(), lab)
        assert list(Sandbox.objects.pooled()) == [sandbox]
        assert not LabSession.objects.exists()

    def test_without_processors_nobody_is_given_a_sandbox(self, lab, committed, set_of, settings):
        warm(committed, set_of, lab)
        settings.SANDBOX_CAPACITY_CPUS = 0.4
        with pytest.raises(HostFull):
            sessions.start_lab(LearnerFactory(), lab)

    def test_where_the_web_process_cannot_thaw_a_worker_does(self, lab, committed, set_of, engine):
        (sandbox,) = warm(committed, set_of, lab)
        engine.thaws = False
        committed(sessions.start_lab, LearnerFactory(), lab)
        assert not engine.sandboxes[sandbox.ref].nodes["box"].suspended
        assert Sandbox.objects.get(pk=sandbox.pk).frozen_at is None

    def test_a_thaw_that_was_lost_is_made_good(self, lab, committed, set_of, engine):
        (sandbox,) = warm(committed, set_of, lab)
        sessions.start_lab(LearnerFactory(), lab)
        assert engine.sandboxes[sandbox.ref].nodes["box"].suspended
        Sandbox.objects.update(moved_at=timezone.now() - timedelta(minutes=1))
        committed(tasks.refill)
        assert not engine.sandboxes[sandbox.ref].nodes["box"].suspended
        assert not Sandbox.objects.still_frozen().exists()

    def test_a_thaw_that_fails_is_repeated(self, lab, committed, set_of, engine):
        (sandbox,) = warm(committed, set_of, lab)
        engine.thaws = False
        engine.fail("resume", DriverBusy("not now"))
        committed(sessions.start_lab, LearnerFactory(), lab)
        assert Sandbox.objects.still_frozen().get() == sandbox
        tasks.thaw(sandbox.pk)
        assert not Sandbox.objects.still_frozen().exists()

    def test_a_worker_that_looked_after_the_pooled_sandbox_is_fenced_out(self, lab, committed, set_of):
        (sandbox,) = warm(committed, set_of, lab)
        token = sandbox.take_lease()
        session = committed(sessions.start_lab, LearnerFactory(), lab)
        assert session.sandbox == sandbox
        assert not Sandbox.objects.get(pk=sandbox.pk).begin_stop(Reason.FAILED, "lost box", token=token)


class TestGivingWay:
    def test_a_learner_who_needs_the_memory_gets_it(self, lab, committed, set_of, settings, engine):
        settings.SANDBOX_CAPACITY_MIB = 300
        (sandbox,) = warm(committed, set_of, lab)
        large = LabFactory(nodes=[node(memory_mib=180)])
        session = committed(sessions.start_lab, LearnerFactory(), large)
        assert session.sandbox.state == State.READY
        sandbox.refresh_from_db()
        assert (sandbox.state, sandbox.reason) == (State.STOPPED, Reason.DRAINED)

    def test_what_would_not_be_enough_stays(self, lab, committed, set_of, settings):
        settings.SANDBOX_CAPACITY_MIB = 300
        (sandbox,) = warm(committed, set_of, lab)
        huge = LabFactory(nodes=[node(memory_mib=900)])
        with pytest.raises(HostFull):
            committed(sessions.start_lab, LearnerFactory(), huge)
        assert list(Sandbox.objects.pooled()) == [sandbox]


class TestCrashes:
    def test_a_worker_killed_between_freeze_and_pool_is_replaced(
        self, lab, committed, set_of, engine, monkeypatch
    ):
        set_of(lab, minimum=1)
        (sandbox_id,) = pool.refill().provision
        with monkeypatch.context() as patch:
            patch.setattr(provisioning, "_arrive", lambda *_all: (_ for _ in ()).throw(SystemExit))
            with pytest.raises(SystemExit):
                provisioning.provision(sandbox_id)
        assert Sandbox.objects.get(pk=sandbox_id).state == State.PROVISIONING
        Sandbox.objects.update(lease_until=None)
        provisioning.provision(sandbox_id)
        sandbox = Sandbox.objects.get(pk=sandbox_id)
        assert (sandbox.state, engine.sandboxes[sandbox.ref].nodes["box"].suspended) == (State.POOLED, True)

    def test_a_lost_message_is_sent_again_by_the_sweep(self, lab, committed, set_of):
        set_of(lab, minimum=1)
        pool.refill()
        Sandbox.objects.update(moved_at=timezone.now() - timedelta(minutes=1))
        committed(tasks.sweep)
        assert states(lab) == [State.POOLED]

    def test_machines_lost_behind_our_back_are_replaced(self, lab, committed, set_of, engine):
        (sandbox,) = warm(committed, set_of, lab)
        engine.lose(sandbox.ref)
        committed(tasks.sweep)
        Sandbox.objects.filter(reason=Reason.FAILED).update(stopped_at=timezone.now() - timedelta(hours=1))
        committed(tasks.refill)
        assert states(lab) == [State.POOLED]
        assert engine.list_refs() == {Sandbox.objects.pooled().get().ref}

    def test_with_the_engine_away_the_pool_is_left_alone(self, lab, committed, set_of, engine, monkeypatch):
        warm(committed, set_of, lab)
        monkeypatch.setattr(
            engine, "version_of", lambda _image: (_ for _ in ()).throw(DriverUnavailable("gone"))
        )
        committed(tasks.refill)
        assert states(lab) == [State.POOLED]

    def test_a_sandbox_of_no_set_is_drained(self, committed, engine):
        sandbox = SandboxFactory(state=State.POOLED)
        engine.create(sandbox.spec())
        committed(tasks.refill)
        sandbox.refresh_from_db()
        assert (sandbox.state, engine.list_refs()) == (State.STOPPED, set())
