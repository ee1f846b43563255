"""The pool on the real engine: what waits there costs no processor, and answers the learner's first key."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labs import pool, provisioning, sessions
from labs.drivers.base import Output
from labs.drivers.docker.driver import DockerDriver
from labs.engine import get_driver
from labs.lifecycle import State
from labs.models import ImageSet, Sandbox
from tests.drivers.conftest import base_image, docker_world
from tests.labs.factories import LabFactory, LearnerFactory, node

pytestmark = [pytest.mark.docker, pytest.mark.django_db]

__all__ = ["base_image"]

PATIENCE_S = 20


@pytest.fixture
def driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, base_image: str
) -> Iterator[DockerDriver]:
    """The product on the real engine."""
    world = docker_world(tmp_path / "k")
    settings.SANDBOX_POOL_PERCENT = 50
    for room in ("pool.claiming", "pool.warming", "pool.refilling", "provisioning"):
        monkeypatch.setattr(f"labs.{room}.get_driver", lambda: world.driver)
    monkeypatch.setattr("labs.tasks.after_commit", lambda *_call, **_when: None)
    assert get_driver() is not world.driver
    yield world.driver
    world.clean()


async def said_to(driver: DockerDriver, ref: str, typed: bytes, marker: bytes) -> bytes:
    """All the terminal showed until it showed ``marker``."""
    terminal = await driver.attach(ref, "box", 1, offset=0)
    seen = b""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await terminal.write(typed)
            async for event in terminal:
                if isinstance(event, Output):
                    seen += event.data
                    await terminal.ack(event.offset + len(event.data))
                if marker in seen:
                    break
    finally:
        await terminal.close()
    return seen


def test_made_frozen_claimed_thawed_and_typed_into(driver, django_capture_on_commit_callbacks):
    lab = LabFactory(nodes=[node(home_mib=8)])
    image_set = ImageSet.objects.for_lab(lab)
    ImageSet.objects.filter(pk=image_set.pk).update(minimum=1)
    (sandbox_id,) = pool.refill().provision
    provisioning.provision(sandbox_id)
    waiting = Sandbox.objects.get(pk=sandbox_id)
    assert (waiting.state, waiting.versions) == (State.POOLED, driver.version_of("base"))
    used = driver.usage(waiting.ref)["box"].cpu_ns
    assert driver.health(waiting.ref).ok
    assert driver.usage(waiting.ref)["box"].cpu_ns == used
    with django_capture_on_commit_callbacks(execute=True):
        session = sessions.start_lab(LearnerFactory(), lab)
    assert session.sandbox == waiting
    if session.sandbox.frozen_at is not None:  # no freezer in reach here: a worker's part
        pool.thaw(waiting.pk)
    seen = asyncio.run(said_to(driver, waiting.ref, b"echo $((6 * 7))-ok\r", b"42-ok"))
    assert seen.index(b"$") < seen.index(b"echo")


def test_a_pooled_sandbox_that_is_drained_leaves_nothing(driver):
    lab = LabFactory(nodes=[node(home_mib=8)])
    image_set = ImageSet.objects.for_lab(lab)
    ImageSet.objects.filter(pk=image_set.pk).update(minimum=1)
    (sandbox_id,) = pool.refill().provision
    provisioning.provision(sandbox_id)
    ImageSet.objects.filter(pk=image_set.pk).update(minimum=0)
    (leaving,) = pool.refill().stop
    provisioning.stop(leaving)
    assert Sandbox.objects.get(pk=leaving).state == State.STOPPED
    assert driver.list_refs() == set()
