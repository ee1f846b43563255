"""Files kept beyond their machines: saved and put back, undone, shared by a link, and gone in time."""

import stat
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override

from labs import keeping, provisioning, sessions, snapshots, snapshotting, tasks
from labs.drivers.base import DriverBusy, DriverError
from labs.lifecycle import Reason, State
from labs.models import ForkOpening, LabSession, Mode, PuttingBack, Sandbox, Snapshot, SnapshotHome
from labs.models.snapshot import Purpose
from labs.refusals import (
    NotInExam,
    QuotaExceeded,
    SaveRunning,
    SessionClosed,
    SnapshotsFull,
    SnapshotUnusable,
)
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory, node

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    return tmp_path / "snapshots"


@pytest.fixture
def session(engine):
    session = SessionFactory(state=State.REQUESTED, lab=LabFactory(nodes=[node("a"), node("b")]))
    provisioning.provision(session.sandbox.pk)
    home(engine, session, "a").update({"./notes.txt": b"mine", "./run.sh": b"echo"})
    home(engine, session, "b").update({"./other": b"b's"})
    return session


@pytest.fixture
def saved(session, committed):
    snapshot = committed(keeping.save, session, "before lunch")
    snapshot.refresh_from_db()
    return snapshot


def home(engine, session, name):
    return engine.sandboxes[session.sandbox.ref].nodes[name].home


def end(session, committed):
    committed(sessions.abandon, session)


def test_every_home_is_kept_in_a_file_that_only_we_can_read(saved, folder):
    assert (saved.problem, saved.can_be_put_back, str(saved)) == ("", True, "before lunch")
    homes = {kept.node: folder / kept.file_name for kept in saved.homes.all()}
    assert set(homes) == {"a", "b"}
    for path in homes.values():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.rglob("*.*")) == ["a.tar.gz", "b.tar.gz"]


def test_tomorrow_the_files_are_in_a_fresh_sandbox(engine, session, saved, committed, time_machine):
    end(session, committed)
    time_machine.move_to(timezone.now() + timedelta(days=1), tick=False)
    again = committed(keeping.resume_from, session.learner, saved)
    assert again.pk != session.pk
    assert home(engine, again, "a") == {"./notes.txt": b"mine", "./run.sh": b"echo"}
    assert home(engine, again, "b") == {"./other": b"b's"}
    assert PuttingBack.objects.get().answered_at is not None


def test_a_session_that_runs_gets_the_files_over_what_is_there(engine, session, saved, committed):
    home(engine, session, "a").update({"./notes.txt": b"changed", "./newer": b"stays"})
    assert committed(keeping.resume_from, session.learner, saved).pk == session.pk
    assert home(engine, session, "a")["./notes.txt"] == b"mine"
    assert home(engine, session, "a")["./newer"] == b"stays"


def test_a_node_that_the_lab_no_longer_has_is_left_out(engine, session, saved, committed):
    end(session, committed)
    session.lab.nodes = [node("a")]
    session.lab.save()
    again = committed(keeping.resume_from, session.learner, saved)
    assert home(engine, again, "a")["./notes.txt"] == b"mine"
    assert PuttingBack.objects.get().problem == ""


def test_a_lost_message_is_made_good_by_the_sweep(engine, session):
    keeping.save(session)
    Snapshot.objects.update(asked_at=timezone.now() - timedelta(minutes=1))
    tasks.sweep()
    assert Snapshot.objects.get().can_be_put_back


def test_a_busy_engine_is_asked_again(engine, session, committed):
    engine.fail("save_home", DriverBusy("later"))
    committed(keeping.save, session)
    assert Snapshot.objects.get().answered_at is None
    Sandbox.objects.update(lease_until=None)
    snapshotting.carry_homes(session.sandbox.pk)
    assert Snapshot.objects.get().can_be_put_back
    assert session.sandbox.lease_until is None


@pytest.mark.parametrize(
    ("error", "problem"), [(DriverError("no"), "engine"), (OSError("disk full"), "engine")]
)
def test_what_cannot_be_saved_says_so_and_leaves_no_file(engine, session, committed, folder, error, problem):
    engine.fail("save_home", error)
    committed(keeping.save, session)
    assert Snapshot.objects.get().problem == problem
    assert not Snapshot.objects.get().can_be_put_back
    assert not list(folder.rglob("*.*"))


def test_more_than_may_be_kept_is_refused(engine, session, committed, settings):
    settings.LABS_SNAPSHOT_MIB = 1
    home(engine, session, "a")["./large"] = b"x" * 900_000
    home(engine, session, "b")["./large"] = b"x" * 900_000
    committed(keeping.save, session)
    assert Snapshot.objects.get().problem == "too_large"


def test_a_learner_keeps_so_many_and_so_much_and_no_more(engine, session, saved, settings):
    settings.LABS_SNAPSHOTS_PER_LEARNER = 1
    with override("en"), pytest.raises(SnapshotsFull, match="1 snapshots"):
        keeping.save(session)
    settings.LABS_SNAPSHOTS_PER_LEARNER = 10
    SnapshotHome.objects.update(file_bytes=settings.LABS_SNAPSHOTS_MIB * 2**20)
    with pytest.raises(SnapshotsFull):
        keeping.save(session)
    keeping.delete(saved)
    assert keeping.save(session)


def test_one_save_at_a_time(session):
    keeping.save(session)
    with pytest.raises(SaveRunning):
        keeping.save(session)


def test_a_session_that_ends_first_leaves_no_wish_open(session, engine):
    keeping.save(session)
    session.sandbox.begin_stop(Reason.EXPIRED)
    snapshotting.carry_homes(session.sandbox.pk)
    assert Snapshot.objects.get().problem == "ended"
    with pytest.raises(SessionClosed):
        keeping.save(LabSession.objects.get())


def test_saving_wakes_frozen_machines(engine, session, committed):
    committed(sessions.suspend, session)
    committed(keeping.save, session)
    assert Snapshot.objects.get().can_be_put_back
    assert session.sandbox.state == State.READY


def test_a_damaged_file_is_not_put_back(engine, session, saved, committed, folder):
    end(session, committed)
    path = folder / saved.homes.get(node="a").file_name
    path.write_bytes(path.read_bytes()[:-3] + b"bad")
    again = committed(keeping.resume_from, session.learner, saved)
    assert PuttingBack.objects.get().problem == "damaged"
    assert "./notes.txt" not in home(engine, again, "a")


def test_nobody_else_finds_a_snapshot(saved):
    with pytest.raises(Snapshot.DoesNotExist):
        keeping.snapshot_of(LearnerFactory(), saved.pk)
    assert keeping.snapshot_of(saved.learner, saved.pk) == saved


def test_a_deletion_can_be_undone_for_a_while(saved, folder, time_machine):
    keeping.delete(saved)
    assert not saved.can_be_put_back
    assert snapshots.forget_old() == 0
    assert keeping.undelete(saved).can_be_put_back
    keeping.delete(saved)
    time_machine.move_to(timezone.now() + timedelta(hours=2), tick=False)
    assert snapshots.forget_old() == 1
    assert not list(folder.iterdir())
    assert not Snapshot.objects.exists()


def test_snapshots_go_when_their_time_is_up(saved, folder, settings, time_machine):
    time_machine.move_to(timezone.now() + timedelta(days=settings.LABS_SNAPSHOT_DAYS, minutes=1), tick=False)
    with pytest.raises(SnapshotUnusable):
        keeping.resume_from(saved.learner, saved)
    tasks.forget_snapshots()
    assert not list(folder.iterdir())


def test_a_restart_can_be_undone(engine, session, committed):
    committed(sessions.restart_node, session, "a")
    assert home(engine, session, "a") == {}
    committed(keeping.undo_restart, session, "a")
    assert home(engine, session, "a")["./notes.txt"] == b"mine"
    assert home(engine, session, "b") == {"./other": b"b's"}


def test_without_a_restart_there_is_nothing_to_undo(session, saved):
    with pytest.raises(SnapshotUnusable):
        keeping.undo_restart(session, "a")


def test_a_node_whose_files_cannot_be_read_is_restarted_all_the_same(engine, session, committed):
    engine.fail("save_home", DriverError("it hangs"))
    committed(sessions.restart_node, session, "a")
    assert home(engine, session, "a") == {}
    assert not Snapshot.objects.exists()


def test_what_is_kept_for_an_undo_counts_against_nobody(session, committed, settings):
    settings.LABS_SNAPSHOTS_PER_LEARNER = 1
    committed(sessions.restart_node, session, "a")
    assert Snapshot.objects.get().purpose == Purpose.UNDO
    committed(keeping.save, session)
    assert Snapshot.objects.saved().count() == 1


def test_whoever_has_the_link_opens_a_copy_of_their_own_and_the_owner_sees_it(engine, session, committed):
    fork = committed(keeping.fork, session)
    home(engine, session, "a")["./later"] = b"not in the copy"
    helper = LearnerFactory()
    found = keeping.find_fork(fork.token)
    theirs = committed(keeping.open_fork, helper, found)
    assert theirs.learner == helper
    assert theirs.sandbox.ref != session.sandbox.ref
    assert home(engine, theirs, "a") == {"./notes.txt": b"mine", "./run.sh": b"echo"}
    assert list(ForkOpening.objects.values_list("fork", "person", "session")) == [
        (fork.pk, helper.pk, theirs.pk)
    ]


def test_a_copy_counts_against_whoever_opens_it(engine, session, committed):
    fork = committed(keeping.fork, session)
    helper = SessionFactory().learner
    with pytest.raises(QuotaExceeded):
        keeping.open_fork(helper, keeping.find_fork(fork.token))
    assert not ForkOpening.objects.exists()


def test_a_link_ends_by_itself_and_when_it_is_revoked(session, committed, time_machine, settings):
    fork = committed(keeping.fork, session)
    assert keeping.find_fork("nonsense") is None
    keeping.revoke(keeping.fork_of(session.learner, fork.pk))
    assert keeping.find_fork(fork.token) is None
    fork.refresh_from_db()
    with pytest.raises(SnapshotUnusable):
        keeping.open_fork(LearnerFactory(), fork)
    other = committed(keeping.fork, session)
    time_machine.move_to(timezone.now() + timedelta(hours=settings.LABS_FORK_HOURS, minutes=1), tick=False)
    assert keeping.find_fork(other.token) is None


def test_an_exam_saves_shares_and_takes_in_no_files_but_a_restart_can_be_undone(
    engine, session, saved, committed
):
    session.mode = Mode.EXAM
    session.save()
    for act in (keeping.save, keeping.fork):
        with pytest.raises(NotInExam):
            act(session)
    with pytest.raises(NotInExam):
        keeping.resume_from(session.learner, saved)
    assert not PuttingBack.objects.exists()
    committed(sessions.restart_node, session, "a")
    committed(keeping.undo_restart, session, "a")
    assert home(engine, session, "a")["./notes.txt"] == b"mine"


def test_a_shared_copy_is_not_among_the_saved_ones(session, committed):
    fork = committed(keeping.fork, session)
    assert not Snapshot.objects.saved().exists()
    with pytest.raises(Snapshot.DoesNotExist):
        keeping.snapshot_of(session.learner, fork.snapshot_id)
