"""Recordings: not a byte lost or repeated over any cut, floods thinned out, rows and files in step."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from labs.drivers.base import DriverOptions, Exited, Gap, Output, Resized
from labs.drivers.fake import FakeDriver
from labs.lifecycle import State
from labs.models import Recording
from labs.recordings import keeping, shelf
from labs.recordings.journal import GAP, OUTPUT, RESIZE, Event, Journal, events_of, offset_of
from labs.recordings.recorder import Kept, Recorder, Spot
from labs.recordings.tape import Limits, Tape
from tests.drivers.conftest import spec_of
from tests.labs.factories import SessionFactory

HEADER = {"version": 2, "width": 80, "height": 24}
EVERYTHING = Limits(burst_bytes=float("inf"))
SAID = "云联 lab 🙂 磨\r\n\x1b[1mbold\x1b[0m".encode() + b"\xff\xfe no text \xe4\xba" + "完".encode()


def said_in(path: Path) -> bytes:
    return b"".join(event.raw for event in events_of(path)[1])


def record(path: Path, said: bytes, *, at_once: int = 5) -> None:
    """What a recorder does, from wherever the file stopped to the end of ``said``."""
    tape = Tape(Journal.open(path, HEADER), 0.0, EVERYTHING)
    start = tape.journal.offset
    for at in range(start, len(said), at_once):
        tape.take(Output(at, said[at : at + at_once]))
        tape.flush()
    tape.close()


class TestJournal:
    def test_how_far_it_goes_is_told_while_it_is_written(self, tmp_path: Path) -> None:
        path = tmp_path / "a.cast"
        assert offset_of(path) == 0
        record(path, SAID)
        assert offset_of(path) == len(SAID)
        with path.open("a") as torn:
            torn.write('[2.0,"o","half a li')
        assert offset_of(path) == len(SAID)

    def test_every_byte_is_kept_whatever_it_is(self, tmp_path: Path) -> None:
        said = bytes(range(256)) * 2 + SAID
        record(tmp_path / "a.cast", said)
        assert said_in(tmp_path / "a.cast") == said

    def test_cut_at_any_byte_it_goes_on_exactly_where_it_stopped(self, tmp_path: Path) -> None:
        whole = tmp_path / "whole.cast"
        record(whole, SAID)
        data = whole.read_bytes()
        for length in range(len(data) + 1):
            cut = tmp_path / f"{length}.cast"
            cut.write_bytes(data[:length])
            record(cut, SAID)
            assert said_in(cut) == SAID, length
            assert events_of(cut)[0] == HEADER

    @given(
        said=st.binary(max_size=300), cuts=st.lists(st.integers(0, 4000), max_size=4), size=st.integers(1, 40)
    )
    def test_over_any_cuts_no_byte_is_lost_or_repeated(
        self, tmp_path_factory: pytest.TempPathFactory, said: bytes, cuts: list[int], size: int
    ) -> None:
        path = tmp_path_factory.mktemp("cast") / "a.cast"
        for cut in cuts:
            record(path, said, at_once=size)
            with path.open("r+b") as file:
                file.truncate(min(cut, path.stat().st_size))
        record(path, said, at_once=size)
        assert said_in(path) == said

    def test_nobody_else_may_read_it(self, tmp_path: Path) -> None:
        record(tmp_path / "session" / "a.cast", b"secret")
        assert (tmp_path / "session" / "a.cast").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "session").stat().st_mode & 0o777 == 0o700

    def test_a_link_in_its_place_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "a.cast").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OSError, match="symbolic links"):
            Journal.open(tmp_path / "a.cast", HEADER)

    def test_what_the_disk_refuses_is_written_once_it_has_room(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tape = Tape(Journal.open(tmp_path / "a.cast", HEADER), 0.0, EVERYTHING)
        tape.take(Output(0, b"first"))
        write = os.write
        with monkeypatch.context() as full:
            full.setattr(os, "write", lambda handle, data: write(handle, data[:7]))
            with pytest.raises(OSError, match="fitted"):
                tape.flush()
        tape.take(Output(5, b" second"))
        tape.close()
        assert said_in(tmp_path / "a.cast") == b"first second"


class TestTape:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "a.cast"

    def tape(self, path: Path, limits: Limits = EVERYTHING) -> Tape:
        self.now = 100.0
        return Tape(Journal.open(path, HEADER), 100.0, limits, lambda: self.now)

    def test_a_character_cut_in_two_is_one_event(self, path: Path) -> None:
        tape = self.tape(path)
        tape.take(Output(0, "云".encode()[:2]))
        tape.flush()
        self.now += 1
        tape.take(Output(2, "云".encode()[2:]))
        tape.close()
        assert list(events_of(path)[1]) == [Event(1.0, OUTPUT, "云", 3)]

    def test_sizes_and_gaps_keep_their_place_in_the_stream(self, path: Path) -> None:
        tape = self.tape(path)
        for event in (Output(0, b"ab"), Resized(90, 30), Gap(10, 8), Output(10, b"cd"), Exited(0)):
            tape.take(event)
        tape.close()
        assert [(e.code, e.data, e.offset) for e in events_of(path)[1]] == [
            (OUTPUT, "ab", 2),
            (RESIZE, "90x30", 2),
            (GAP, "8", 10),
            (OUTPUT, "cd", 12),
        ]

    def test_a_clock_set_back_turns_no_time_back(self, path: Path) -> None:
        tape = self.tape(path)
        for moment in (105.0, 103.0, 107.0):
            self.now = moment
            tape.take(Output(tape.journal.offset, b"x"))
            tape.flush()
        tape.close()
        assert [event.at_s for event in events_of(path)[1]] == [5.0, 5.0, 7.0]

    def test_a_flood_is_thinned_out_and_says_how_much_was_left_out(self, path: Path) -> None:
        tape = self.tape(path, Limits(burst_bytes=200_000, bytes_per_s=1000))
        for at in range(0, 1_000_000, 10_000):
            tape.take(Output(at, b"y" * 10_000))
        self.now += 100
        tape.take(Output(1_000_000, b"after the flood"))
        tape.close()
        events = list(events_of(path)[1])
        left_out = sum(int(event.data) for event in events if event.code == GAP)
        assert left_out == 800_000
        assert len(said_in(path)) + left_out == 1_000_015
        assert events[-1].raw == b"after the flood"

    def test_it_is_full_at_its_limit(self, path: Path) -> None:
        tape = self.tape(path, replace(EVERYTHING, most_bytes=100))
        assert not tape.is_full
        tape.take(Output(0, b"z" * 100))
        tape.flush()
        assert tape.is_full
        tape.close()


class FolderShelf:
    """Recordings entered in memory, their files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: dict[Spot, Kept] = {}
        self.ended: list[Kept] = []

    async def last(self, spot: Spot) -> Kept | None:
        return self.kept.get(spot)

    async def begin(self, spot: Spot, epoch: str) -> Kept:
        self.kept[spot] = Kept(uuid4(), epoch, 0.0, self.folder / f"{epoch}-{spot.node}-{spot.terminal}.cast")
        return self.kept[spot]

    async def end(self, kept: Kept) -> None:
        self.ended.append(kept)
        self.kept = {spot: other for spot, other in self.kept.items() if other != kept}


class TestRecorder:
    @pytest.fixture
    def driver(self) -> FakeDriver:
        return FakeDriver(DriverOptions("test", "/nowhere"))

    @pytest.fixture
    def books(self, tmp_path: Path) -> FolderShelf:
        return FolderShelf(tmp_path)

    @pytest.fixture
    def spot(self, driver: FakeDriver) -> Spot:
        spec = spec_of()
        driver.create(spec)
        return Spot("session", spec.ref, "node", 1)

    @asynccontextmanager
    async def recorder(self, driver: FakeDriver, books: FolderShelf, *spots: Spot) -> AsyncIterator[Recorder]:
        recorder = Recorder(driver, books, EVERYTHING)
        recorder.follow(spots)
        try:
            yield recorder
        finally:
            await recorder.close()

    async def eventually(self, find: Any) -> Any:
        async with asyncio.timeout(10):
            while not (found := find()):  # noqa: ASYNC110  (a file grows without telling anybody)
                await asyncio.sleep(0.01)
        return found

    def path(self, books: FolderShelf) -> Path | None:
        return next((kept.path for kept in books.kept.values()), None)

    def holds(self, books: FolderShelf, words: bytes) -> bool:
        path = self.path(books)
        return path is not None and words in said_in(path)

    async def test_a_terminal_nobody_opened_has_no_recording(
        self, driver: FakeDriver, books: FolderShelf, spot: Spot
    ) -> None:
        other = replace(spot, terminal=2)
        async with self.recorder(driver, books, spot, other):
            await driver.attach(spot.ref, "node", 2, offset=0)
            await self.eventually(lambda: books.kept)
        assert set(books.kept) == {other}

    async def test_recorders_that_come_and_go_write_one_recording(
        self, driver: FakeDriver, books: FolderShelf, spot: Spot
    ) -> None:
        terminal = await driver.attach(spot.ref, "node", 1, offset=0)
        await terminal.ack(2**40)
        for turn in range(5):
            await terminal.write(f"echo 早上好 {turn}\r".encode())
            async with self.recorder(driver, books, spot):
                await self.eventually(lambda turn=turn: self.holds(books, f"\n早上好 {turn}\r\n$".encode()))
                await terminal.write(f"echo after {turn}\r".encode())
        shell = driver.sandboxes[spot.ref].nodes["node"].shells[1]
        async with self.recorder(driver, books, spot):
            await self.eventually(lambda: self.holds(books, b"\nafter 4\r\n$ "))
        assert len(list(books.folder.iterdir())) == 1
        assert said_in(self.path(books) or Path()) == bytes(shell.ring)
        await terminal.close()

    async def test_a_node_that_runs_anew_gets_a_recording_of_its_own(
        self, driver: FakeDriver, books: FolderShelf, spot: Spot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("labs.recordings.recorder.GONE_PAUSE_S", 0.01)
        async with self.recorder(driver, books, spot):
            await driver.attach(spot.ref, "node", 1, offset=0)
            first = await self.eventually(lambda: books.kept.get(spot))
            driver.restart(driver.sandboxes[spot.ref].spec, "node")
            await driver.attach(spot.ref, "node", 1, offset=0)
            second = await self.eventually(
                lambda: (kept := books.kept.get(spot)) and kept.epoch != first.epoch and kept
            )
            await self.eventually(lambda: self.holds(books, b"$"))
        assert books.ended == [first]
        assert second.path != first.path

    async def test_a_terminal_whose_node_is_gone_is_let_go_once_it_is_not_wanted(
        self, driver: FakeDriver, books: FolderShelf, spot: Spot
    ) -> None:
        async with self.recorder(driver, books, spot) as recorder:
            await driver.attach(spot.ref, "node", 1, offset=0)
            await self.eventually(lambda: self.holds(books, b"$"))
            recorder.follow([])
            assert recorder.busy_with == {spot}
            driver.destroy(spot.ref)
            await self.eventually(lambda: not recorder.busy_with)


@pytest.mark.django_db
class TestShelf:
    @pytest.fixture(autouse=True)
    def _folder(self, settings: Any, tmp_path: Path) -> None:
        settings.VAR_DIR = tmp_path

    def spot(self, state: State = State.READY) -> Spot:
        sandbox = SessionFactory(state=state).sandbox
        assert sandbox is not None
        return Spot(str(sandbox.session_id), sandbox.ref, "box", 1)

    def test_terminals_of_running_machines_are_followed(self) -> None:
        running, frozen, leaving = self.spot(), self.spot(State.SUSPENDED), self.spot(State.STOPPING)
        for state in (State.REQUESTED, State.STOPPED):
            self.spot(state)
        assert {spot.ref for spot in shelf.spots()} == {running.ref, frozen.ref, leaving.ref}
        assert {spot.terminal for spot in shelf.spots()} == {1, 2}

    def test_nothing_is_recorded_where_nothing_is_to_be_kept(self, settings: Any) -> None:
        self.spot()
        settings.LABS_RECORDING_DAYS = 0
        assert shelf.spots() == set()

    def test_a_recording_begun_twice_is_one(self) -> None:
        spot = self.spot()
        assert shelf.last(spot) is None
        assert shelf.begin(spot, "e") == shelf.begin(spot, "e") == shelf.last(spot)
        assert Recording.objects.count() == 1

    def test_recordings_that_nobody_writes_any_more_are_over(self) -> None:
        busy, left = self.spot(), self.spot()
        shelf.begin(busy, "e")
        kept = shelf.begin(left, "e")
        record(kept.path, SAID)
        assert shelf.end_left({busy}) == 1
        ended = Recording.objects.get(pk=kept.id)
        assert ended.ended_at is not None
        assert ended.bytes == kept.path.stat().st_size
        assert Recording.objects.running().get().ref == busy.ref

    def entered(self, **changes: Any) -> Recording:
        kept = shelf.begin(self.spot(), "e")
        record(kept.path, SAID)
        Recording.objects.filter(pk=kept.id).update(**changes)
        return Recording.objects.get(pk=kept.id)

    def test_old_recordings_are_forgotten_with_their_files_and_no_others(self, settings: Any) -> None:
        settings.LABS_RECORDING_DAYS = 30
        now = timezone.now()
        old = self.entered(ended_at=now - timedelta(days=31))
        fresh, running = self.entered(ended_at=now - timedelta(days=29)), self.entered()
        assert keeping.forget_old() == 1
        assert not old.path.parent.exists()
        assert fresh.path.exists()
        assert running.path.exists()
        assert set(Recording.objects.all()) == {fresh, running}

    def test_files_of_learners_who_left_are_removed(self) -> None:
        recording = self.entered()
        recording.session.learner.delete()
        assert keeping.forget_old() == 1
        assert not recording.path.exists()
