"""The main way on the real engine: start, ready, attach, check, finish, nothing left; and what goes wrong on it."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from community.models import ApiToken
from labs import grading, provisioning, sessions, sweeping, tasks
from labs.drivers.base import Driver
from labs.engine import get_driver
from labs.lifecycle import Reason, State
from labs.models import Sandbox
from tests.labs.factories import CheckFactory, LabFactory, LearnerFactory, node
from tests.labs.sockets import Screen, bearer

pytestmark = [pytest.mark.docker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def engine(settings) -> Iterator[Driver]:
    """A real engine that holds nothing of this installation, before and after."""
    run_dir = Path(tempfile.mkdtemp(prefix="yl-", dir="/tmp"))
    settings.SANDBOX_DRIVER = "docker"
    settings.INSTALLATION_ID = f"b{uuid.uuid4().hex[:10]}"
    settings.SANDBOX_RUN_DIR = run_dir
    driver = get_driver()
    yield driver
    for ref in driver.list_refs():
        driver.destroy(ref)
    assert driver.list_refs() == set()
    shutil.rmtree(run_dir)


@pytest.fixture
def lab():
    lab = LabFactory(nodes=[node("a"), node("b")], steps={"first": {}})
    step = lab.steps.get()
    CheckFactory(
        step=step,
        key="greeting",
        node="a",
        script='readable "$HOME/greeting" || { echo silent; exit 1; }\ngrep -q hello "$HOME/greeting"\n',
    )
    CheckFactory(step=step, key="neighbour", node="b", sort_order=1, script="getent hosts a >/dev/null\n")
    return lab


@pytest.fixture
def learner():
    return LearnerFactory()


def start(learner, lab):
    session = sessions.start_lab(learner, lab)
    assert session.sandbox.state == State.READY, session.sandbox.detail
    return session


def work(driver, session, script, name="a"):
    """What the learner could type."""
    uid = session.sandbox.uid
    found = driver.run(session.sandbox.ref, name, script, uid=uid, gid=uid, timeout_s=10)
    assert found.exit_code == 0, found.output


def finish(session):
    request = sessions.finish_lab(session)
    request.refresh_from_db()
    session.refresh_from_db()
    return request


def reason_of(session, key):
    return session.check_results.filter(check_key=key).last().reason


async def test_the_main_way(engine, learner, lab):
    session = await sync_to_async(start)(learner, lab)
    token = await sync_to_async(ApiToken.issue)(learner)
    path = f"/ws/labs/sessions/{session.pk}/nodes/a/terminals/1/?offset=0"
    async with Screen(path, bearer(token)) as screen:
        assert (await screen.until_frame("hello"))["offset"] == 0
        failed = await sync_to_async(finish)(session)
        assert failed.passed is False
        await screen.type("echo hello > ~/greeting; echo do''ne\n")
        await screen.until(b"done")
        passed = await sync_to_async(finish)(session)
        assert passed.passed is True
        assert await screen.until_closed() == 4410
        assert screen.frames[-1]["kind"] == "ended"
    sandbox = await Sandbox.objects.aget()
    assert (sandbox.state, sandbox.reason) == (State.STOPPED, Reason.FINISHED)
    assert engine.list_refs() == set()


async def test_a_second_device_resumes_where_the_first_left_off(engine, learner, lab):
    session = await sync_to_async(start)(learner, lab)
    token = await sync_to_async(ApiToken.issue)(learner)
    path = f"/ws/labs/sessions/{session.pk}/nodes/a/terminals/1/"
    async with Screen(path, bearer(token)) as first:
        await first.until_frame("hello")
        await first.type("seq 1 20000; echo do''ne\n")
        await first.until(b"5000\r\n")
    async with Screen(f"{path}?offset={first.offset}", bearer(token)) as second:
        hello = await second.until_frame("hello")
        assert (hello["offset"], hello["gap"], hello["epoch"]) == (first.offset, 0, first.hello["epoch"])
        await second.until(b"done")
    numbers = bytes(first.seen + second.seen).split(b"ne\n")[-1].decode().splitlines()
    counted = [int(line) for line in numbers if line.strip().isdigit()]
    assert counted == list(range(1, 20001))


def test_work_made_unreadable_ends_with_the_permission_as_the_reason(engine, learner, lab):
    session = start(learner, lab)
    work(engine, session, 'echo hello > "$HOME/greeting"; chmod 600 "$HOME/greeting"\n')
    assert finish(session).passed is False
    assert reason_of(session, "greeting") == grading.UNREADABLE
    work(engine, session, 'chmod 640 "$HOME/greeting"; chmod 700 "$HOME"\n')
    finish(session)
    assert reason_of(session, "greeting") == grading.UNREADABLE


def test_a_check_that_hangs_is_ended_at_its_limit(engine, learner, lab):
    lab.steps.get().checks.filter(key="neighbour").update(script="sleep 60\n", timeout_s=1)
    session = start(learner, lab)
    finish(session)
    assert reason_of(session, "neighbour") == grading.TIMEOUT


def test_a_restarted_node_has_a_fresh_home(engine, learner, lab):
    session = start(learner, lab)
    work(engine, session, 'echo hello > "$HOME/greeting"\n')
    sessions.restart_node(session, "a")
    assert session.sandbox.nodes.get(name="a").restart_asked_at is None
    finish(session)
    assert reason_of(session, "greeting") == "silent"


def test_machines_removed_behind_our_back_are_made_again(engine, learner, lab):
    session = start(learner, lab)
    engine.destroy(session.sandbox.ref)
    tasks.sweep()
    assert session.sandbox.state == State.READY
    assert engine.health(session.sandbox.ref).ok
    assert session.sandbox.nodes.exclude(lost_at=None).count() == 2


def test_a_start_whose_worker_died_is_taken_up_and_ends_ready(engine, learner, lab, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(provisioning, "provision", lambda _pk: None)
        session = sessions.start_lab(learner, lab)
    sandbox = session.sandbox
    sandbox.take_lease()
    sandbox.move(State.PROVISIONING)
    half = sandbox.spec()
    engine.create(type(half)(half.ref, half.uid, half.subnet, half.nodes[:1]))
    past = timezone.now() - timedelta(minutes=2)
    Sandbox.objects.update(lease_until=past, moved_at=past)
    tasks.sweep()
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY, sandbox.detail
    assert engine.health(sandbox.ref).ok


def test_a_subnet_that_the_engine_already_has_means_the_next(engine, learner, lab, monkeypatch):
    first = start(learner, lab)
    other = sessions.start_lab(LearnerFactory(), lab)
    provisioning.stop(other.sandbox.pk, Reason.ABANDONED)
    with monkeypatch.context() as patch:
        patch.setattr(provisioning, "provision", lambda _pk: None)
        third = sessions.start_lab(LearnerFactory(), lab)
    sandbox = third.sandbox
    taken = first.sandbox.subnet
    # As when another installation on this engine has the range: our own rows do not know of it.
    Sandbox.objects.filter(pk=first.sandbox.pk).update(subnet="10.213.0.0/28")
    Sandbox.objects.filter(pk=sandbox.pk).update(subnet=taken)
    provisioning.provision(sandbox.pk)
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY, sandbox.detail
    assert sandbox.subnet != taken


def test_an_overdue_session_leaves_nothing_behind(engine, learner, lab):
    session = start(learner, lab)
    type(session).objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    owed = sweeping.sweep()
    assert owed.stop == []
    Sandbox.objects.update(moved_at=timezone.now() - timedelta(minutes=1))
    tasks.sweep()
    assert (session.sandbox.state, session.sandbox.reason) == (State.STOPPED, Reason.EXPIRED)
    assert engine.list_refs() == set()
