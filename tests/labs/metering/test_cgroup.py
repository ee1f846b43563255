"""The ledger beside the kernel's own counter, on the real engine."""

from pathlib import Path

import pytest

from labs import metering
from labs.drivers.docker.engine import api
from labs.lifecycle import State
from labs.models import UsageEntry
from tests.drivers.conftest import Place, base_image, docker_place  # noqa: F401  (a fixture)
from tests.labs.factories import SandboxFactory, SessionFactory, node

pytestmark = [pytest.mark.docker, pytest.mark.django_db]

CGROUPS = Path("/sys/fs/cgroup")
# The same work however busy the machine is: about a second of processor time.
BUSY = "i=0; while [ $i -lt 700000 ]; do i=$((i + 1)); done"


def kernel_ns(container: str) -> int:
    """What the node's cgroup itself says that it used."""
    number = api().inspect_container(container)["Id"]
    for controller in ("cpuacct", "cpu,cpuacct"):
        for found in CGROUPS.glob(f"{controller}/**/*{number}*/cpuacct.usage"):
            return int(found.read_text())
    for found in CGROUPS.glob(f"**/*{number}*/cpu.stat"):
        told = dict(line.split() for line in found.read_text().splitlines())
        if "usage_usec" in told:
            return int(told["usage_usec"]) * 1000
    pytest.skip("the cgroup of a container of this engine cannot be seen from here")


def test_of_a_busy_node_the_ledger_and_its_cgroups_agree_within_a_thousandth(
    base_image: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    with docker_place(tmp_path) as place:
        monkeypatch.setattr("labs.metering.meters.get_driver", lambda: place.driver)
        session = SessionFactory(state=State.STOPPED)
        sandbox = SandboxFactory(session=session, ref=place.spec.ref, nodes=[node("node")])
        metering.note_change(sandbox)
        kernel = busy_and_frozen(place)
        metering.read(sandbox)
        place.driver.resume(place.spec.ref)
        place.driver.restart(place.spec, "node")
        kernel += busy_and_frozen(place)
        metering.read(sandbox)
        sandbox.move(State.STOPPING)
        sandbox.move(State.STOPPED)
        metering.note_change(sandbox)
    counted = sum(UsageEntry.objects.filter(ref=sandbox.ref).values_list("cpu_ns", flat=True))
    assert kernel > 200_000_000
    assert abs(counted - kernel) <= kernel / 1000


def busy_and_frozen(place: Place) -> int:
    """The node works while its meter is read, then stands still; what the kernel counted."""
    for _time in range(2):
        place.as_learner(BUSY, timeout_s=60)
        metering.sample()
    place.driver.suspend(place.spec.ref)
    return kernel_ns(place.container())
