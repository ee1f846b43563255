"""Processes that stand by running labs: heard of while they live, gone on after trouble, missed when they are away."""

import fcntl
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.utils import timezone

from labs.lifecycle import State
from labs.management import standing_by
from labs.models import Attendant, Host, Sandbox
from labs.operating import collector, troubles
from labs.recordings.recorder import ShelfTrouble
from tests.labs.factories import LabFactory, SessionFactory

EGRESS, RECORDER = Attendant.Name.EGRESS, Attendant.Name.RECORDER


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("gone away"), ShelfTrouble("gone away")])
async def test_one_looks_again_after_trouble_is_heard_of_and_ends_when_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception
):
    monkeypatch.setattr(standing_by, "TROUBLE_PAUSE_S", 0.0)
    looks = []

    async def look() -> None:
        looks.append(await sync_to_async(Attendant.objects.seen)())
        if len(looks) == 1:
            raise error
        os.kill(os.getpid(), signal.SIGTERM)

    await standing_by.stand_by(EGRESS, look, trouble=ShelfTrouble)
    assert looks == [{EGRESS: None, RECORDER: None}] * 2
    seen = await sync_to_async(Attendant.objects.seen)()
    assert seen[EGRESS]
    assert seen[RECORDER] is None


@pytest.mark.django_db(transaction=True)
async def test_an_error_of_its_own_ends_it():
    async def look() -> None:
        raise ValueError("a slip")

    with pytest.raises(ValueError, match="a slip"):
        await standing_by.stand_by(EGRESS, look)


def test_a_second_one_would_wait_for_the_first(tmp_path: Path):
    lock = tmp_path / "lock"
    standing_by.be_alone(lock)
    with lock.open() as second, pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.fixture
def workers(db: None) -> None:
    Host.objects.update_or_create(pk=1, defaults={"seen_at": timezone.now(), "problem": ""})


@pytest.mark.usefixtures("workers")
class TestMissing:
    def test_nobody_misses_what_nobody_needs(self):
        LabFactory()
        assert troubles.troubles() == []

    def test_a_way_out_that_a_lab_offers_is_missed_with_the_time_it_was_heard_of(self):
        LabFactory(egress=["example.org"])
        (never,) = troubles.troubles()
        assert never.since is None
        assert "egress_proxy" in never.remedy
        seen_at = timezone.now() - 2 * troubles.SILENCE
        Attendant.objects.create(name=EGRESS, seen_at=seen_at)
        (silent,) = troubles.troubles()
        assert silent.since == seen_at
        Attendant.objects.heard(EGRESS)
        assert troubles.troubles() == []

    def test_a_withdrawn_lab_that_still_runs_misses_it_too(self):
        lab = LabFactory(egress=["example.org"], withdrawn_at=timezone.now())
        assert troubles.troubles() == []
        SessionFactory(lab=lab, state=State.READY)
        Attendant.objects.heard(RECORDER)
        assert len(troubles.troubles()) == 1

    def test_a_recorder_is_missed_while_something_runs_that_is_to_be_recorded(self, settings):
        SessionFactory()
        (trouble,) = troubles.troubles()
        assert "record_terminals" in trouble.remedy
        settings.LABS_RECORDING_DAYS = 0
        assert troubles.troubles() == []
        settings.LABS_RECORDING_DAYS = 30
        Sandbox.objects.update(state=State.STOPPED, stopped_at=timezone.now())
        assert troubles.troubles() == []

    def test_prometheus_reads_how_long_each_has_been_silent(self):
        Attendant.objects.create(name=EGRESS, seen_at=timezone.now() - timedelta(hours=1))
        lines = [
            line
            for line in collector.exposition().decode().splitlines()
            if line.startswith("yunlian_attendant_age_seconds")
        ]
        assert len(lines) == 1
        name, age = lines[0].split()
        assert 'name="egress"' in name
        assert float(age) >= 3600
