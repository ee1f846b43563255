"""Many learners at the pool at once (test_postgres.py runs this on PostgreSQL as well): nobody gets what another has."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from labs import pool, sessions
from labs.lifecycle import State
from labs.models import ImageSet, LabSession, Sandbox
from labs.models.pool import key_of, machines_of
from tests.labs.factories import LabFactory, LearnerFactory, SandboxFactory, SessionFactory

CLAIMS = 100
AT_ONCE = 20

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=[app.name for app in apps.get_app_configs()]
)


@pytest.fixture(autouse=True)
def nothing_happens_by_itself(engine, settings, monkeypatch):
    """The pool is in use, and what is enqueued stays there."""
    settings.SANDBOX_POOL_PERCENT = 50
    monkeypatch.setattr("labs.tasks.after_commit", lambda *_call, **_when: None)
    monkeypatch.setattr("labs.sessions._thaw", lambda _sandbox: None)


def fill(lab: Any, count: int) -> list[Sandbox]:
    machines = machines_of(lab)
    image_set = ImageSet.objects.create(key=key_of(machines), nodes=machines, ceiling=CLAIMS)
    return [
        SandboxFactory(state=State.POOLED, image_set=image_set, subnet=f"10.212.{place}.0/28")
        for place in range(count)
    ]


def at_once(verb: Any, wishes: list[Any]) -> list[Any]:
    """What ``verb`` returned for each wish, AT_ONCE of them starting in the same moment, the rest as places come free."""
    ready = threading.Barrier(AT_ONCE)

    def call(place: int, wish: Any) -> Any:
        if place < AT_ONCE:
            ready.wait(timeout=60)
        try:
            return verb(wish)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(call, range(len(wishes)), wishes))


def test_of_a_hundred_simultaneous_starts_none_gets_anothers_sandbox():
    lab = LabFactory()
    pooled = {sandbox.pk for sandbox in fill(lab, CLAIMS - 10)}
    learners = [LearnerFactory() for _number in range(CLAIMS)]
    opened = at_once(lambda learner: sessions.start_lab(learner, lab), learners)
    assert len({session.pk for session in opened}) == CLAIMS
    held = Counter(Sandbox.objects.exclude(session=None).values_list("session_id", flat=True))
    assert (len(held), set(held.values())) == (CLAIMS, {1})
    assert set(Sandbox.objects.filter(state=State.READY).values_list("pk", flat=True)) == pooled
    assert Sandbox.objects.filter(state=State.REQUESTED).count() == 10


def test_a_hundred_claims_without_any_other_lock_take_no_sandbox_twice():
    """The compare-and-set must do on its own: whoever calls claim may hold no lock of the starts."""
    lab = LabFactory()
    fill(lab, CLAIMS // 2)
    sittings = [SessionFactory(lab=lab, state=State.STOPPED) for _number in range(CLAIMS)]

    def claim(session: LabSession) -> Any:
        with transaction.atomic():
            sandbox = pool.claim(session)
        return sandbox and sandbox.pk

    taken = [pk for pk in at_once(claim, sittings) if pk is not None]
    assert len(taken) == len(set(taken)) == CLAIMS // 2
    assert not Sandbox.objects.pooled().exists()


def test_what_is_drained_is_not_claimed_and_what_is_claimed_is_not_drained():
    lab = LabFactory()
    waiting = fill(lab, AT_ONCE // 2)
    sittings = [SessionFactory(lab=lab, state=State.STOPPED) for _number in range(AT_ONCE // 2)]

    def act(wish: Any) -> Any:
        return wish.leave_pool() if isinstance(wish, Sandbox) else pool.claim(wish) is not None

    wishes = [wish for pair in zip(waiting, sittings, strict=True) for wish in pair]
    at_once(act, wishes)
    claimed = Sandbox.objects.filter(state=State.READY, session__isnull=False).count()
    drained = Sandbox.objects.filter(state=State.STOPPING, session=None).count()
    assert claimed + drained == AT_ONCE // 2
