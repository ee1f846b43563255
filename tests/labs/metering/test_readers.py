"""Several workers read one meter at the same moment (test_postgres.py runs this on PostgreSQL as well)."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from django.apps import apps
from django.db import connection

from labs import metering, provisioning
from labs.drivers.base import NodeUsage
from labs.lifecycle import Reason, State
from labs.models import UsageEntry
from tests.labs.factories import SessionFactory

READERS = 6
S = 1_000_000_000

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=[app.name for app in apps.get_app_configs()]
)


@pytest.fixture(autouse=True)
def nothing_happens_by_itself(engine, monkeypatch):
    monkeypatch.setattr("labs.tasks.after_commit", lambda *_call: None)


def test_readers_in_each_others_way_count_every_nanosecond_once(engine, settings):
    settings.LABS_METER_ENTRY_SECONDS = 0
    sandbox = SessionFactory(state=State.REQUESTED).sandbox
    provisioning.provision(sandbox.pk)
    machine = engine.sandboxes[sandbox.ref].nodes["box"]
    machine.usage = NodeUsage(1, 0, 1)
    ready = threading.Barrier(READERS)

    def read(_number: int) -> None:
        try:
            ready.wait(timeout=20)
            for _time in range(5):
                with machine_lock:
                    grown = machine.usage.cpu_ns + random.randrange(S)
                    machine.usage = NodeUsage(grown, 2**20, 1)
                metering.sample()
        finally:
            connection.close()

    machine_lock = threading.Lock()
    with ThreadPoolExecutor(READERS) as threads:
        list(threads.map(read, range(READERS)))
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    found = list(UsageEntry.objects.order_by("sequence"))
    assert sum(entry.cpu_ns for entry in found) == machine.usage.cpu_ns
    assert [entry.sequence for entry in found] == list(range(1, len(found) + 1))
    for before, after in pairwise(found):
        assert (after.began_at, after.counter_start) == (before.ended_at, before.counter_end)
