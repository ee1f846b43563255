"""A stop waits, for a while, until what the terminals said is written down; what is missing then is said."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from labs import provisioning, tasks
from labs.drivers.base import Driver, DriverBusy
from labs.drivers.docker.driver import DockerDriver
from labs.drivers.fake import FakeDriver
from labs.lifecycle import Reason, State
from labs.models import Recording, Sandbox
from labs.models.recording import Lack
from labs.recordings.journal import OUTPUT, Event, Journal, events_of
from labs.recordings.recorder import Kept, Recorder, Spot
from labs.recordings.tape import Limits
from tests.drivers.conftest import Screen, base_image, docker_world, eventually
from tests.labs.factories import LabFactory, SessionFactory

pytestmark = pytest.mark.django_db

__all__ = ["base_image"]

HEADER = {"version": 2, "width": 80, "height": 24}


@pytest.fixture(autouse=True)
def _settings(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not VAR_DIR: the process would keep the files of its counters there for good.
    monkeypatch.setattr("labs.models.recording.folder", lambda: tmp_path / "recordings")
    settings.LABS_RECORDING_WAIT_SECONDS = 30


def made() -> Sandbox:
    """Ready, its machine has two terminals."""
    sandbox = SessionFactory(state=State.REQUESTED, lab=LabFactory(terminals=2)).sandbox
    assert sandbox is not None
    provisioning.provision(sandbox.pk)
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY
    return sandbox


@pytest.fixture
def sandbox(engine: FakeDriver) -> Sandbox:
    return made()


def say(driver: Driver, sandbox: Sandbox, words: str, until: bytes) -> tuple[str, bytes]:
    """The learner typed that into the first terminal and left it once it had said ``until``: the epoch, and all it said."""

    async def typed() -> tuple[str, bytes]:
        terminal = await driver.attach(sandbox.ref, "box", 1, offset=0)
        try:
            await terminal.write(f"{words}\r".encode())
            said = await Screen(terminal).until(until)
            return terminal.hello.epoch, said
        finally:
            await terminal.close()

    return asyncio.run(typed())


def enter(sandbox: Sandbox, epoch: str) -> Recording:
    return Recording.objects.create(
        session_id=sandbox.session_id, ref=sandbox.ref, node="box", terminal=1, epoch=epoch
    )


def write(recording: Recording, said: bytes) -> None:
    """As a recorder that is dead by now has left it."""
    journal = Journal.open(recording.path, HEADER)
    journal.append([Event(1.0, OUTPUT, said.decode(), len(said))])
    journal.close()


def written(recording: Recording) -> bytes:
    if not recording.path.exists():
        return b""
    return b"".join(event.raw for event in events_of(recording.path)[1])


def shell_of(engine: FakeDriver, sandbox: Sandbox) -> bytes:
    return bytes(engine.sandboxes[sandbox.ref].nodes["box"].shells[1].ring)


@pytest.fixture
def spoken(engine: FakeDriver, sandbox: Sandbox) -> tuple[str, bytes]:
    """Its first terminal said something: the epoch, and all it said."""
    epoch, _said = say(engine, sandbox, "echo hello", b"\nhello\r\n$ ")
    return epoch, shell_of(engine, sandbox)


def stopped(sandbox: Sandbox) -> bool:
    """Whether a stop went through."""
    done = provisioning.stop(sandbox.pk, Reason.ABANDONED)
    sandbox.refresh_from_db()
    assert sandbox.session is not None
    sandbox.session.refresh_from_db()
    assert not sandbox.session.is_open
    assert done is (sandbox.state == State.STOPPED)
    return done


def let_time_pass(sandbox: Sandbox) -> None:
    Sandbox.objects.filter(pk=sandbox.pk).update(moved_at=timezone.now() - timedelta(seconds=31))


def test_machines_whose_terminals_nobody_opened_go_at_once_and_leave_no_recording(sandbox):
    assert stopped(sandbox)
    assert not Recording.objects.exists()


def test_machines_go_at_once_when_all_they_said_is_written_down(sandbox, spoken):
    epoch, said = spoken
    recording = enter(sandbox, epoch)
    write(recording, said)
    assert stopped(sandbox)
    recording.refresh_from_db()
    assert recording.lack == Lack.NONE


def test_machines_wait_for_a_recorder_that_is_behind_and_go_when_it_is_not_any_more(engine, sandbox, spoken):
    epoch, said = spoken
    recording = enter(sandbox, epoch)
    write(recording, said[:-1])
    assert not stopped(sandbox)
    assert engine.list_refs() == {sandbox.ref}
    journal = Journal.open(recording.path, HEADER)
    journal.append([Event(2.0, OUTPUT, said[-1:].decode(), len(said))])
    journal.close()
    assert stopped(sandbox)
    assert engine.list_refs() == set()
    recording.refresh_from_db()
    assert recording.lack == Lack.NONE


def test_a_recorder_that_was_dead_all_the_time_is_waited_for_and_then_the_recording_says_so(
    engine, sandbox, spoken
):
    assert not stopped(sandbox)
    let_time_pass(sandbox)
    assert stopped(sandbox)
    assert engine.list_refs() == set()
    recording = Recording.objects.get()
    assert (recording.ref, recording.node, recording.terminal) == (sandbox.ref, "box", 1)
    assert (recording.session, recording.epoch) == (sandbox.session, spoken[0])
    assert recording.lack == Lack.RECORDER
    assert recording.ended_at is not None


def test_a_recording_begun_and_never_gone_on_with_says_so(sandbox, spoken):
    epoch, said = spoken
    recording = enter(sandbox, epoch)
    write(recording, said[:3])
    let_time_pass(sandbox)
    assert not stopped(sandbox), "the time is counted from when it was stopped"
    let_time_pass(sandbox)
    assert stopped(sandbox)
    recording.refresh_from_db()
    assert recording.lack == Lack.RECORDER


def test_a_recording_of_an_earlier_life_of_the_machine_does_not_count(sandbox, spoken):
    _epoch, said = spoken
    write(enter(sandbox, "earlier"), said)
    assert not stopped(sandbox)


@pytest.mark.parametrize("missing", [0, 1])
def test_of_a_terminal_whose_shell_has_ended_all_is_waited_for_and_no_more(engine, sandbox, missing):
    epoch, _said = say(engine, sandbox, "exit 3", b"exit 3\r\n")
    said = shell_of(engine, sandbox)
    write(enter(sandbox, epoch), said[: len(said) - missing])
    assert stopped(sandbox) is not bool(missing)


def test_a_recording_as_long_as_it_may_become_is_not_waited_for(sandbox, spoken, settings):
    epoch, said = spoken
    write(enter(sandbox, epoch), said[:3])
    settings.LABS_RECORDING_MIB = 0
    assert stopped(sandbox)


def test_nothing_is_waited_for_where_nothing_is_to_be_kept(sandbox, spoken, settings):
    settings.LABS_RECORDING_DAYS = 0
    assert stopped(sandbox)
    assert not Recording.objects.exists()


def test_machines_that_were_never_ready_are_not_asked(engine):
    sandbox = SessionFactory(state=State.PROVISIONING).sandbox
    assert stopped(sandbox)
    assert "watch" not in [verb for verb, _ref in engine.calls]


def test_a_machine_that_vanished_is_not_waited_for(engine, sandbox, spoken):
    engine.lose(sandbox.ref, "box")
    assert stopped(sandbox)


def test_frozen_machines_go_on_so_that_they_can_be_read(engine, sandbox, spoken):
    engine.suspend(sandbox.ref)
    sandbox.move(State.SUSPENDED)
    assert not stopped(sandbox)
    epoch, said = spoken
    write(enter(sandbox, epoch), said)
    assert stopped(sandbox)


def test_of_a_machine_that_does_not_answer_the_recording_says_that_it_may_lack_its_end(
    engine, sandbox, spoken
):
    epoch, said = spoken
    recording = enter(sandbox, epoch)
    write(recording, said)
    engine.suspend(sandbox.ref)
    engine.fail("resume", DriverBusy("not now"))
    assert not stopped(sandbox)
    let_time_pass(sandbox)
    assert stopped(sandbox)
    recording.refresh_from_db()
    assert recording.lack == Lack.MACHINE


def test_a_stop_that_waits_is_sent_again_and_lets_its_worker_go(sandbox, spoken, monkeypatch):
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(tasks.stop, "apply_async", lambda ids, countdown: sent.append((*ids, countdown)))
    tasks.stop(sandbox.pk, Reason.ABANDONED)
    assert sent == [(sandbox.pk, tasks.RECORDING_PAUSE_S)]
    let_time_pass(sandbox)
    tasks.stop(sandbox.pk)
    assert len(sent) == 1
    sandbox.refresh_from_db()
    assert sandbox.state == State.STOPPED


def test_a_site_that_is_shut_down_waits_for_no_recorder(engine, sandbox, spoken):
    call_command("stop_sandboxes")
    assert engine.list_refs() == set()
    assert Recording.objects.get().lack == Lack.RECORDER


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base_image: str) -> Iterator[DockerDriver]:
    """The product on the real engine."""
    world = docker_world(tmp_path / "k")
    for room in ("provisioning", "recordings.draining"):
        monkeypatch.setattr(f"labs.{room}.get_driver", lambda: world.driver)
    monkeypatch.setattr("labs.tasks.after_commit", lambda *_call, **_when: None)
    yield world.driver
    world.clean()


class Entered:
    """A shelf with one recording."""

    def __init__(self, recording: Recording) -> None:
        self.kept = Kept(recording.pk, recording.epoch, recording.began_at.timestamp(), recording.path)

    async def last(self, _spot: Spot) -> Kept | None:
        return self.kept

    async def begin(self, _spot: Spot, epoch: str) -> Kept:
        assert epoch == self.kept.epoch
        return self.kept

    async def end(self, kept: Kept) -> None:
        raise AssertionError(f"{kept} is of another life")


@pytest.mark.docker
def test_on_the_real_engine_frozen_machines_wait_for_the_recorder_and_not_a_byte_is_missing(docker):
    sandbox = made()
    epoch, said = say(docker, sandbox, "seq 20000; echo f''in; exec sleep 1000", b"\nfin\r\n")
    recording = enter(sandbox, epoch)
    docker.suspend(sandbox.ref)
    assert not stopped(sandbox)
    assert not stopped(sandbox), "they go on, and nobody has written anything"
    assert docker.list_refs() == {sandbox.ref}

    async def record() -> None:
        spot = Spot(str(sandbox.session_id), sandbox.ref, "box", 1)
        recorder = Recorder(docker, Entered(recording), Limits(burst_bytes=float("inf")))
        recorder.follow([spot])
        try:
            await asyncio.to_thread(
                eventually, lambda: len(written(recording)) >= len(said), "it was recorded"
            )
        finally:
            await recorder.close()

    asyncio.run(record())
    eventually(lambda: stopped(sandbox), "the stop went through")
    assert written(recording).startswith(said)
    recording.refresh_from_db()
    assert recording.lack == Lack.NONE
    assert docker.list_refs() == set()
