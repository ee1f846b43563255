"""Another size for a running node, as the kernel tells it inside the node, and what is refused."""

from collections.abc import Iterator

import pytest

from labs.drivers.base import MemoryInUse
from tests.drivers.conftest import Place, docker_place, eventually

pytestmark = pytest.mark.docker

QUOTA = """
if [ -r /sys/fs/cgroup/cpu.max ]; then cat /sys/fs/cgroup/cpu.max
else cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us; fi
"""
MEMORY = "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"
# 96 MiB are held until somebody removes the file.
HOLD = """
python3 -c '
import os, time
held = b"x" * (96 << 20)
open("/tmp/held", "w").close()
while os.path.exists("/tmp/held"): time.sleep(0.05)
open("/tmp/freed", "w").close()
' >/dev/null 2>&1 &
"""


@pytest.fixture(scope="module")
def large(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with docker_place(tmp_path_factory.mktemp("keepers"), memory_mib=160) as made:
        yield made


def resize(place: Place, *, cpus: float, memory_mib: int) -> None:
    place.driver.resize(place.spec.ref, "node", cpus=cpus, memory_mib=memory_mib)


def seen_inside(place: Place) -> tuple[float, int]:
    """Processors and MiB, memory file systems included, as programs of the node read them."""
    quota, period = place.as_learner(QUOTA).output.split()
    return int(quota) / int(period), int(place.as_learner(MEMORY).output) // 2**20


def test_programs_of_the_node_see_each_new_size_at_once(large: Place):
    node = large.spec.nodes[0]
    extra = node.home_mib + node.tmp_mib + node.shm_mib
    for cpus, memory_mib in ((0.25, 192), (1.5, 160), (0.5, 128)):
        resize(large, cpus=cpus, memory_mib=memory_mib)
        assert seen_inside(large) == (cpus, memory_mib + extra)


def test_memory_in_use_is_not_taken_away_and_the_figure_is_told(large: Place):
    resize(large, cpus=0.5, memory_mib=160)
    before = seen_inside(large)
    large.as_learner(HOLD)
    eventually(lambda: large.as_learner("test -e /tmp/held").exit_code == 0, "the memory is held")
    with pytest.raises(MemoryInUse) as refused:
        resize(large, cpus=0.5, memory_mib=16)
    assert 96 <= refused.value.in_use_mib <= 160
    assert seen_inside(large) == before
    large.as_learner("rm /tmp/held")
    eventually(lambda: large.as_learner("test -e /tmp/freed").exit_code == 0, "the memory is free")
    resize(large, cpus=0.5, memory_mib=16)
    assert large.as_learner("echo alive").output == "alive\n"


def test_a_frozen_node_takes_another_size_and_stays_frozen(large: Place):
    large.driver.suspend(large.spec.ref)
    resize(large, cpus=0.75, memory_mib=144)
    assert large.driver.health(large.spec.ref).ok
    large.driver.resume(large.spec.ref)
    assert seen_inside(large)[0] == 0.75
