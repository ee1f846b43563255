"""Every lab of the catalogue, as text and on machines of its own."""

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labs import bundles, grading
from labs.bundles.reading import Bundle
from labs.drivers.base import Driver, DriverOptions, NodeSpec, SandboxSpec, SubnetTaken
from labs.drivers.docker.driver import DockerDriver
from labs.drivers.docker.images import build_all
from labs.grading import Finding
from labs.models import LabCheck, Sandbox

IMAGES = Path(__file__).resolve().parents[2] / "sandbox_images"
LABS = sorted(path.parent.name for path in (IMAGES / "labs").glob("*/lab.toml"))
SOLVE_TIMEOUT_S = 120


def read(slug: str) -> Bundle:
    return bundles.read(IMAGES / "labs" / slug)


@dataclass
class Machines:
    """The nodes of one lab on the real engine, and what its own scripts say of them."""

    driver: Driver
    spec: SandboxSpec
    lab: Bundle

    def as_learner(self, node: str, script: str) -> str:
        """What ``script`` says when the learner runs it; it has to succeed."""
        uid = self.spec.uid
        found = self.driver.run(self.spec.ref, node, script, uid=uid, gid=uid, timeout_s=SOLVE_TIMEOUT_S)
        assert found.exit_code == 0, f"{node}: {found.output}"
        return found.output

    def solve(self, step: str) -> None:
        for of_step, node, script in self.lab.solve_order():
            if of_step == step:
                self.as_learner(node, script)

    def check(self, *steps: str) -> dict[str, Finding]:
        """What the checks of ``steps`` find, by check; of every step when none is named."""
        checks = [
            LabCheck(
                key=check.id,
                node=check.node,
                timeout_s=check.timeout_s,
                script=self.lab.script_of(check.id),
                reasons=dict.fromkeys(check.reasons),
            )
            for step in self.lab.manifest.steps
            for check in step.checks
            if step.id in steps or not steps
        ]
        sandbox = Sandbox(ref=self.spec.ref, uid=self.spec.uid)
        return {found.check.key: found for found in grading.run_checks(self.driver, sandbox, checks)}


def spec_of(lab: Bundle) -> SandboxSpec:
    """The lab's nodes in a subnet by chance."""
    network = f"10.215.{random.randrange(256)}"
    first = random.randrange(0, 256, 16)
    nodes = tuple(
        NodeSpec(
            name=node.name,
            image=node.image,
            address=f"{network}.{first + 2 + number}",
            cpus=node.cpus,
            memory_mib=node.memory_mib,
            pids=node.pids,
            home_mib=node.home_mib,
            read_only=node.read_only,
        )
        for number, node in enumerate(lab.manifest.nodes)
    )
    uid = random.randrange(900_000, 1_200_000, 2)
    return SandboxSpec(f"r{uuid.uuid4().hex[:10]}", uid, f"{network}.{first}/28", nodes)


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    return build_all(IMAGES, lambda _line: None)


@pytest.fixture
def start(images: dict[str, str], tmp_path: Path) -> Iterator[Callable[[str], Machines]]:
    """Starts the machines of a lab; they are gone after the test."""
    options = DriverOptions(f"t{uuid.uuid4().hex[:9]}", str(tmp_path), 0, {"images": str(IMAGES)})
    driver = DockerDriver(options)

    def begin(slug: str) -> Machines:
        lab = read(slug)
        for _attempt in range(20):
            spec = spec_of(lab)
            try:
                driver.create(spec)
            except SubnetTaken:
                continue
            return Machines(driver, spec, lab)
        raise AssertionError("twenty subnets in a row are taken")

    yield begin
    for ref in driver.list_refs():
        driver.destroy(ref)
