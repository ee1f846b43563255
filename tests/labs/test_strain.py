"""What the host really has left: measured by the sweep, waited for by whoever starts, and told to operators."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override

from labs import bodies, elasticity, pool, provisioning, queueing, scheduling, sessions, sweeping
from labs.drivers.base import DriverError, HostUse
from labs.drivers.docker.measuring import host_use
from labs.elasticity import Size
from labs.lifecycle import Reason, State
from labs.models import Host, ImageSet, Sandbox
from labs.operating import collector, troubles
from labs.refusals import HostFull
from labs.scheduling import Strain, hosts
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory, node

pytestmark = pytest.mark.django_db

ROOMY = HostUse(available_mib=100_000, disk_percent=10, disk_free_mib=100_000)
NO_MEMORY = HostUse(available_mib=100, disk_percent=10, disk_free_mib=100_000)
FULL_DISK = HostUse(available_mib=100_000, disk_percent=96, disk_free_mib=100_000)
NO_DISK = HostUse(available_mib=100_000, disk_percent=10, disk_free_mib=500)


def measured(engine, use: HostUse) -> None:
    engine.measured = use
    sweeping.sweep()


@pytest.fixture(autouse=True)
def policy(settings):
    settings.SANDBOX_RESERVE_MIB = 256
    settings.SANDBOX_DISK_PERCENT = 95
    settings.SANDBOX_DISK_FREE_MIB = 1024


class TestMeasuring:
    def test_the_sweep_keeps_what_it_measured_with_the_time(self, engine):
        measured(engine, NO_DISK)
        host = Host.objects.get(pk=1)
        assert (host.available_mib, host.disk_percent, host.disk_free_mib) == (100_000, 10, 500)
        assert timezone.now() - host.measured_at < hosts.FRESH

    def test_what_cannot_be_measured_keeps_its_old_time(self, engine):
        measured(engine, ROOMY)
        before = Host.objects.get(pk=1).measured_at
        engine.fail("host_use", DriverError("no such folder"))
        sweeping.sweep()
        assert Host.objects.get(pk=1).measured_at == before

    def test_the_kernels_estimate_and_the_file_system_are_read(self, tmp_path):
        meminfo = tmp_path / "meminfo"
        meminfo.write_text("MemTotal: 99 kB\nMemAvailable:    2097152 kB\n")
        use = host_use(str(tmp_path), meminfo)
        assert use.available_mib == 2048
        assert use.disk_percent is not None
        assert use.disk_free_mib is not None
        assert host_use(str(tmp_path / "none"), tmp_path / "none") == HostUse()


class TestAdmission:
    @pytest.mark.parametrize(
        ("use", "words"),
        [(NO_MEMORY, "short of memory"), (FULL_DISK, "nearly full"), (NO_DISK, "nearly full")],
    )
    def test_while_the_host_has_too_little_whoever_starts_waits_and_knows_why(
        self, engine, learner, lab, use, words
    ):
        measured(engine, use)
        session = sessions.start_lab(learner, lab)
        assert session.sandbox is None
        with override("en"):
            assert words in bodies.session_body(session)["queue"]["why"]
        measured(engine, ROOMY)
        assert session.sandbox.state == State.REQUESTED

    def test_what_was_measured_long_ago_holds_up_nobody(self, engine, learner, lab, time_machine):
        measured(engine, NO_MEMORY)
        time_machine.move_to(timezone.now() + hosts.FRESH + timedelta(seconds=1))
        assert sessions.start_lab(learner, lab).sandbox is not None

    def test_between_two_measurements_no_more_is_promised_than_was_there(self, engine, lab):
        need = scheduling.needs(lab).memory_mib
        measured(engine, HostUse(available_mib=256 + 2 * need))
        begun = [sessions.start_lab(LearnerFactory(), lab) for _n in range(3)]
        assert [session.sandbox is not None for session in begun] == [True, True, False]
        with override("en"):
            assert "short of memory" in bodies.session_body(begun[2])["queue"]["why"]
        measured(engine, HostUse(available_mib=256 + need))
        assert begun[2].sandbox is not None

    def test_with_no_reserve_memory_is_not_looked_at(self, engine, learner, lab, settings):
        settings.SANDBOX_RESERVE_MIB = 0
        measured(engine, HostUse(available_mib=0))
        assert sessions.start_lab(learner, lab).sandbox is not None

    def test_memory_may_be_promised_over_so_many_times(self, engine, lab, settings):
        settings.SANDBOX_CAPACITY_MIB = scheduling.needs(lab).memory_mib
        begun = [sessions.start_lab(LearnerFactory(), lab) for _n in range(2)]
        assert begun[1].sandbox is None
        settings.SANDBOX_MEMORY_OVERCOMMIT = 2.0
        assert len(queueing.admit().provision) == 1

    def test_a_node_that_runs_gets_no_memory_that_is_not_there_but_may_give_some_back(self, engine):
        lab = LabFactory(nodes=[node(cpus_max=1.0, memory_mib_max=256)])
        session = SessionFactory(lab=lab, state=State.REQUESTED)
        provisioning.provision(session.sandbox.pk)
        measured(engine, NO_MEMORY)
        with pytest.raises(HostFull):
            elasticity.resize_node(session, "box", Size(500, 256))
        assert elasticity.resize_node(session, "box", Size(1000, 64)) is not None


class TestThePool:
    @pytest.fixture
    def filled(self, engine, settings, lab):
        settings.SANDBOX_POOL_PERCENT = 50
        ImageSet.objects.for_lab(lab)
        ImageSet.objects.update(minimum=2, reserve=0, ceiling=4)

    @pytest.mark.parametrize("use", [NO_MEMORY, FULL_DISK])
    def test_it_is_not_refilled_meanwhile(self, engine, filled, use):
        measured(engine, use)
        assert pool.refill().provision == []
        measured(engine, ROOMY)
        assert len(pool.refill().provision) == 2

    def test_what_stands_in_it_gives_its_memory_to_whoever_waits(self, engine, filled, learner):
        for pk in pool.refill().provision:
            provisioning.provision(pk)
        measured(engine, NO_MEMORY)
        assert pool.refill().stop == []
        sessions.start_lab(learner, LabFactory())
        assert len(pool.refill().stop) == 2
        assert set(Sandbox.objects.values_list("reason", flat=True)) == {Reason.DRAINED}


class TestOperators:
    @pytest.mark.parametrize(
        ("use", "words"),
        [(NO_MEMORY, "100 MiB are available"), (FULL_DISK, "96 % are used"), (NO_DISK, "500 MiB are free")],
    )
    def test_are_told_what_is_short_with_the_figures(self, engine, use, words):
        measured(engine, use)
        with override("en"):
            (trouble,) = troubles.troubles()
        assert words in trouble.words
        assert trouble.remedy

    def test_see_no_trouble_while_there_is_enough(self, engine):
        measured(engine, ROOMY)
        assert troubles.troubles() == []
        assert "yunlian_host_available_mebibytes 100000" in collector.exposition().decode()

    def test_a_strain_has_words_for_people(self):
        assert [bool(str(strain.label)) for strain in Strain] == [False, True, True]
