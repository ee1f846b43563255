"""The crash drill's own counting: whatever the product might leave behind or charge twice is found."""

import hashlib
import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from bench.chaos import questions
from bench.chaos.__main__ import is_met
from bench.chaos.audit import compare_recordings, in_engine, on_disk, processes, shaken
from bench.chaos.engine import container_of, processes_in
from bench.chaos.lives import Heard, Reading, typing
from labs.lifecycle import State
from labs.models import CheckRequest, QueuePlace, Recording, Sandbox, SandboxEvent, UsageEntry
from labs.models.ledger import seal
from labs.recordings.journal import GAP, OUTPUT, Event, Journal
from tests.labs.factories import SandboxFactory, SessionFactory

NOW = timezone.now()
NOBODY: set[str] = set()


class EngineThatHolds:
    """An engine's client that knows one of each kind, and which labels it was asked for."""

    def __init__(self, *labels: str) -> None:
        self.labels = labels

    def _found(self, filters, thing):
        return [thing] if all(label in self.labels for label in filters.values()) else []

    def containers(self, *, all, filters):
        return self._found(filters, {"Id": "1", "Names": ["/box"]}) if all else []

    def networks(self, *, filters):
        return [*self._found(filters, {"Name": "theirs"}), *([] if filters else [{"Name": "bridge"}])]

    def volumes(self, *, filters):
        return {"Volumes": self._found(filters, {"Name": "stray"}) or None}


def test_containers_networks_and_volumes_of_the_installation_are_found_and_no_others():
    engine = EngineThatHolds("yunlian.installation=mine")
    assert in_engine(engine, "mine") == {"containers": ["/box"], "networks": ["theirs"], "volumes": ["stray"]}
    assert in_engine(engine, "other") == {"containers": [], "networks": [], "volumes": []}


def test_in_an_engine_of_the_drills_own_everything_counts_with_and_without_a_label():
    found = in_engine(EngineThatHolds(), "")
    assert found == {"containers": ["/box"], "networks": ["theirs"], "volumes": ["stray"]}


def test_folders_disks_mounts_and_loop_devices_of_sandboxes_are_found(tmp_path):
    (tmp_path / "keepers" / "0123456789abcdef" / "box").mkdir(parents=True)
    (tmp_path / "keepers" / ".toolkit-1234").mkdir()
    (tmp_path / "keepers" / ".disks" / "0123456789abcdef").mkdir(parents=True)
    disk = tmp_path / "keepers" / ".disks" / "0123456789abcdef"
    mountinfo = (
        f"36 35 7:0 / {disk}/box rw - ext4 /dev/loop0 rw\n37 35 8:1 / /elsewhere rw - ext4 /dev/sda rw\n"
    )
    found = on_disk(tmp_path, mountinfo, [f"{disk}/box.img", "/elsewhere/box.img"])
    assert found == {
        "folders": [str(tmp_path / "keepers" / "0123456789abcdef")],
        "disks": [str(disk)],
        "mounts": [f"{disk}/box"],
        "loop_devices": [f"{disk}/box.img"],
    }


def test_a_process_with_a_uid_that_only_sandboxes_have_is_found(tmp_path):
    for pid, uid in (("17", 400_002), ("18", 0)):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "status").write_text(f"Name:\tbash\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
    assert processes(tmp_path, range(400_000, 410_000)) == ["17 bash"]


def test_the_processes_of_a_container_are_found_by_its_control_groups(tmp_path):
    for pid, container in (("17", "abc"), ("18", "def")):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cgroup").write_text(f"8:pids:/docker/{container}\n")
    shim = "/usr/bin/containerd-shim-runc-v2 -namespace moby -id abc -address /run/c.sock"
    assert processes_in(tmp_path, container_of(shim)) == {17}
    assert container_of("dockerd --host unix:///d.sock") == ""


@pytest.mark.django_db
def test_rows_that_have_not_come_to_their_end_are_counted_each_by_its_kind():
    session = SessionFactory()
    SandboxFactory(state=State.POOLED, lease_until=timezone.now() + timedelta(hours=1))
    SandboxFactory(session=session, state=State.STOPPED)
    QueuePlace.objects.create(session=session, millicpus=1, memory_mib=1)
    CheckRequest.objects.create(session=session)
    Recording.objects.create(session=session, ref="r", node="box", terminal=1, epoch="e")
    assert questions.unended_rows() == {
        "sandboxes": 1,
        "pooled": 1,
        "sessions": 1,
        "sessions_with_two_sandboxes": 1,
        "leases": 1,
        "places": 1,
        "checks": 1,
        "meters": 0,
        "recordings": 1,
    }


@pytest.mark.django_db
def test_when_all_is_over_no_row_is_counted():
    SandboxFactory(state=State.STOPPED)
    assert set(questions.unended_rows().values()) == {0}


def lived(seconds: int = 60) -> Sandbox:
    """A sandbox that was ready for so long and is over."""
    sandbox = SandboxFactory(state=State.STOPPED)
    history = [
        (State.PROVISIONING, -5),
        (State.READY, 0),
        (State.STOPPING, seconds),
        (State.STOPPED, seconds + 1),
    ]
    for state, at in history:
        SandboxEvent.objects.create(sandbox=sandbox, state=state, at=NOW + timedelta(seconds=at))
    return sandbox


def charge(sandbox: Sandbox, *intervals: tuple[int, int], **changes: object) -> None:
    """The ledger says so: each interval from second to second, the counter a second for a second."""
    previous = ""
    for number, (start, end) in enumerate(intervals, start=1):
        duration_us = (end - start) * 1_000_000
        entry = UsageEntry(
            ref=sandbox.ref, node="box", sequence=number, state=State.READY, epoch="e",
            began_at=NOW + timedelta(seconds=start), ended_at=NOW + timedelta(seconds=end), duration_us=duration_us,
            millicpus=500, memory_mib=64, millicpu_us=500 * duration_us, mib_us=64 * duration_us,
            counter_start=start, counter_end=end, cpu_ns=end - start, memory_kib_ms=0,
        )  # fmt: skip
        for name, value in changes.items():
            setattr(entry, name, value)
        entry.digest = previous = seal(entry, previous)
        entry.save(force_insert=True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("intervals", "words"),
    [
        ([(0, 30), (30, 60)], []),
        ([(0, 30), (20, 50)], ["2 overlaps the one before", "2 does not go on where the counter was"]),
        ([(0, 30), (40, 70)], ["2 leaves a gap before it", "2 does not go on where the counter was"]),
        ([(0, 30), (30, 90)], ["is charged 30000000 us more than it was ready"]),
        ([(0, 30)], ["is charged 30000000 us less than it was ready"]),
        ([], ["was never charged"]),
    ],
)
def test_what_is_charged_twice_not_at_all_or_beyond_a_life_is_found(intervals, words):
    sandbox = lived()
    charge(sandbox, *intervals)
    assert questions.wrong_charges() == [f"{sandbox.ref}/box {found}" for found in words]


@pytest.mark.django_db
def test_an_entry_that_was_changed_is_found_by_its_seal():
    sandbox = lived()
    charge(sandbox, (0, 60))
    entry = UsageEntry.objects.get()
    entry.lab = "another"
    assert list(questions._broken([entry])) == ["1 has a wrong seal"]


def test_a_history_that_goes_back_to_ready_on_its_way_out_charges_nothing_more():
    second = timedelta(seconds=1)
    moves = [(State.READY, NOW), (State.STOPPING, NOW + second), (State.READY, NOW + 2 * second),
             (State.STOPPED, NOW + 9 * second)]  # fmt: skip
    assert questions.ready_us(moves) == 1_000_000


@pytest.fixture
def recorded(tmp_path):
    """Writes a recording of these events and says how it compares with what the learner heard."""

    def compare(heard: bytes, *events: Event, lack: str = "", shaken: set[str] = NOBODY) -> Counter[str]:
        path = tmp_path / "one.cast"
        if events:
            journal = Journal.open(path, {"version": 2})
            journal.append(events)
            journal.close()
        place = {"session": "s", "node": "box", "terminal": "1", "epoch": "e"}
        told = Heard(**place, length=len(heard), digest=hashlib.sha256(heard).hexdigest())
        return compare_recordings([told], [{**place, "path": str(path), "lack": lack}], shaken)[0]

    return compare


def test_a_recording_is_compared_byte_for_byte_with_what_the_learner_read(recorded):
    assert recorded(b"one two", Event(0, OUTPUT, "one ", 4), Event(1, OUTPUT, "two three", 13)) == {
        "complete": 1
    }


def test_a_recording_with_other_bytes_with_a_gap_or_without_a_file_is_found(recorded):
    assert recorded(b"one two") == {"missing": 1}
    assert recorded(b"one two", Event(0, OUTPUT, "one ", 4), Event(1, GAP, "3", 7)) == {"wrong": 1}


def test_a_recording_that_ends_too_soon_or_says_something_else_is_found(recorded):
    assert recorded(b"one two", Event(0, OUTPUT, "one ", 4)) == {"short": 1}
    assert recorded(b"bad one ", Event(1, OUTPUT, "two three", 13)) == {"wrong": 1}


def test_a_recording_that_says_that_it_is_not_whole_is_told_apart(recorded):
    assert recorded(b"one two", lack="recorder") == {"incomplete": 1}
    assert recorded(b"one two", Event(0, OUTPUT, "one ", 4), lack="machine") == {"incomplete": 1}
    assert recorded(b"one two", Event(1, OUTPUT, "two", 7), lack="recorder") == {"complete": 1}


def test_what_an_engine_took_along_is_nobodys_fault_but_other_bytes_are(recorded):
    assert recorded(b"one two", Event(0, OUTPUT, "one ", 4), shaken={"s"}) == {"lost_with_engine": 1}
    assert recorded(b"bad one ", Event(1, OUTPUT, "two three", 13), shaken={"s"}) == {"wrong": 1}


def test_only_sessions_during_which_the_engine_was_killed_are_shaken():
    spans = {
        "before": (0.0, 10.0),
        "during": (70.0, 90.0),
        "while stopping": (65.0, 70.0),
        "after": (81.0, 99.0),
    }
    assert shaken(spans, [80.0]) == {"during", "while stopping"}
    assert shaken(spans, []) == set()


def hello(**changes: object) -> dict[str, object]:
    return {"type": "hello", "epoch": "a", "offset": 0, "gap": 0, **changes}


def test_a_learner_who_comes_back_notices_bytes_that_were_skipped_or_come_again():
    for told in (hello(offset=2), hello(offset=5, gap=1), hello(epoch="b")):
        reading = Reading(random.Random(1), b"typed", b"begin", b"end")
        assert reading.hear(hello())
        reading.output += b"four"
        assert not reading.wrong
        reading.hear(told)
        assert reading.wrong


def test_what_is_typed_has_no_mark_in_it_so_that_its_echo_is_not_taken_for_the_work():
    typed = typing(7, Path(__file__).read_bytes(), 500)
    assert b"taken7" not in typed
    assert b"begin7" not in typed
    assert b"end7" not in typed
    assert typed.count(b"\n") == 1
    assert b"seq" not in typing(7, b"true", 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"left": {"containers": 1}},
        {"lost": {"lost_bytes": 1}},
        {"recordings": {"complete": 3, "wrong": 1}},
        {"recordings": {"missing": 1}},
        {"recordings": {"short": 1}},
        {"recordings": {"incomplete": 1}},
        {"kills": {}},
        {"passed": 0},
    ],
)
def test_a_drill_is_met_only_when_nothing_is_lost_or_left_though_parts_were_killed_and_checks_passed(changed):
    report = {"left": {"containers": 0}, "lost": {"lost_bytes": 0}, "recordings": {"complete": 3, "lost_with_engine": 1},
              "kills": {"web": 2}, "passed": 3}  # fmt: skip
    assert is_met(report)
    assert not is_met({**report, **changed})
