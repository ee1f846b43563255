"""A recorder on the real engine, killed in the middle of its work."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labs.recordings.journal import events_of
from tests.drivers.conftest import Place, Screen, docker_place, eventually
from tests.drivers.test_keeper import FLOOD_OVER

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[2]
KILLS = 5
PORTION = 4000
# In portions, each when it is asked for, so that every recorder finds the flood under way; all of it fits into the ring.
FLOOD = """python3 -c '
import os, time
for portion in range(PORTIONS):
    while not os.path.exists(f"/tmp/go{portion}"): time.sleep(0.02)
    for n in range(PORTION): print(portion, n, "云联 lab 🙂 磨" * (n % 5), n)
'; echo fl''ood over
"""


@pytest.fixture
def node(base_image: str, tmp_path: Path) -> Iterator[Place]:
    with docker_place(tmp_path / "run", memory_mib=96) as made:
        yield made


@contextmanager
def recording(node: Place, folder: Path) -> Iterator[None]:
    """A recorder runs, and is killed where it stands."""
    run_dir = str(node.driver.folders.root)
    words = [
        "-m",
        "tests.drivers.recorder_process",
        run_dir,
        node.driver.installation,
        node.spec.ref,
        str(folder),
    ]
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT)
    try:
        yield
        assert process.poll() is None, "it ended by itself"
    finally:
        process.kill()
        process.wait()


def recorded(folder: Path) -> bytes:
    return b"".join(event.raw for path in folder.glob("*.cast") for event in events_of(path)[1])


def test_a_recorder_killed_again_and_again_loses_and_repeats_no_byte(node: Place, tmp_path: Path):
    chance = random.Random(5)
    folder = tmp_path / "recordings"
    folder.mkdir()

    async def start() -> None:
        async with node.attached() as terminal:
            wish = FLOOD.replace("PORTIONS", str(KILLS + 1)).replace("PORTION", str(PORTION))
            await terminal.write(wish.replace("\n", "\r").encode())

    async def read() -> bytes:
        async with node.attached() as terminal:
            return await Screen(terminal).until(FLOOD_OVER)

    asyncio.run(start())
    for kill in range(KILLS):
        goal = len(recorded(folder)) + chance.randrange(1, 100_000)
        with recording(node, folder):
            node.as_learner(f"touch /tmp/go{kill}")
            eventually(lambda goal=goal: len(recorded(folder)) >= goal, "some more was recorded")
    assert FLOOD_OVER not in recorded(folder), "each was killed in the middle of the flood"
    with recording(node, folder):
        node.as_learner(f"touch /tmp/go{KILLS}")
        eventually(lambda: FLOOD_OVER in recorded(folder), "all was recorded")
    whole = asyncio.run(read())
    assert len(whole) > 1_000_000
    assert recorded(folder)[: len(whole)] == whole
