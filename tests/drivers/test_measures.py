"""Removing any one hardening option lets at least one probe of the self-test through, on the real engine."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from labs.drivers.base import DriverError, NodeSpec, SandboxSpec
from labs.drivers.docker import driver as docker_driver
from labs.drivers.docker import networks
from labs.drivers.docker.containers import EngineFacts, container_config
from labs.drivers.docker.driver import DockerDriver
from labs.isolation.arena import Arena, host_services
from labs.isolation.attack import attack
from labs.isolation.probe import Area, Outcome, Verdict
from labs.isolation.probes import AREAS
from tests.drivers.conftest import World, create, docker_world, spec_of
from tests.drivers.measures import MEASURES, WIRING, leaves

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("measures")]

# Measures that are not options of the container's body.
ELSEWHERE = {"own-uid", "own-user", "terminals", "internal-network", "no-gateway-address"}
INTACT = "intact"
# Without these a node has the limits of the engine's service, which a site may have made strict.
LIMITED_BY_THE_ENGINE = {"open-files", "core-files"}


def guarding(measure: str) -> list[Area]:
    """The areas with only those probes that ``measure`` alone makes hold."""
    narrowed = (replace(area, probes=tuple(p for p in area.probes if measure in p.guards)) for area in AREAS)
    return [area for area in narrowed if area.probes]


@dataclass
class Weakened:
    """A sandbox with one node per measure, each without it, and the outcomes of the probes of that measure."""

    world: World
    arena: Arena
    refused: dict[str, str]

    def outcomes(self, measure: str, node: str = "") -> list[Outcome]:
        return list(attack(self.arena, guarding(measure), node=node or measure))


def _weakening(refused: dict[str, str]) -> Any:
    def config(installation: str, spec: SandboxSpec, node: NodeSpec, **wishes: Any) -> dict[str, Any]:
        made = container_config(installation, spec, node, **wishes)
        if node.name in MEASURES:
            MEASURES[node.name][1](made)
        return made

    return config


@pytest.fixture(scope="module")
def weakened(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weakened]:
    """Every weakened node at once, in one large network; a node that the engine refuses to start is named."""
    world = docker_world(tmp_path_factory.mktemp("keepers"))
    names = [INTACT, *MEASURES, "terminals"]
    refused: dict[str, str] = {}
    limit = docker_driver.limit_terminals
    with pytest.MonkeyPatch.context() as patched, host_services() as (port, addresses):
        patched.setattr(docker_driver, "container_config", _weakening(refused))
        patched.setattr(
            docker_driver,
            "limit_terminals",
            lambda found, *shift: found and not found["Name"].endswith("-terminals") and limit(found, *shift),
        )
        try:
            spec = _roomy(world, [name for name in names if name != "not-privileged"])
            try:
                privileged = _roomy(world, [INTACT, "not-privileged"])
            except DriverError as error:
                refused["not-privileged"], privileged = str(error), spec
            arena = Arena(world.driver, spec, privileged, addresses, port)
            yield Weakened(world, arena, refused)
        finally:
            world.clean()


def _roomy(world: World, names: list[str]) -> SandboxSpec:
    for _attempt in range(20):
        base = spec_of()
        first, second, third, _rest = base.subnet.split(".")
        subnet = f"{first}.{second}.{third}.0/25"
        nodes = tuple(
            NodeSpec(name, "base", f"{first}.{second}.{third}.{2 + i}", memory_mib=64, home_mib=16)
            for i, name in enumerate(names)
        )
        try:
            world.driver.create(replace(base, subnet=subnet, nodes=nodes))
        except networks.SubnetTaken:
            continue
        return replace(base, subnet=subnet, nodes=nodes)
    raise AssertionError("twenty subnets in a row are taken")


@pytest.mark.parametrize("measure", [*MEASURES, "terminals"])
def test_without_the_measure_a_probe_gets_through(weakened: Weakened, measure: str):
    if measure in weakened.refused:
        pytest.skip(f"this engine starts no such node: {weakened.refused[measure]}")
    if measure == "not-privileged":
        arena = replace(weakened.arena, spec=weakened.arena.neighbour)
        weakened = Weakened(weakened.world, arena, {})
    outcomes = weakened.outcomes(measure)
    assert outcomes, "no probe says that it guards this measure"
    if all(outcome.holds for outcome in outcomes) and measure in LIMITED_BY_THE_ENGINE:
        pytest.skip("the engine's own service is limited no less")
    assert any(outcome.verdict is Verdict.BROKEN for outcome in outcomes), outcomes
    intact = weakened.outcomes(measure, INTACT)
    assert all(outcome.holds for outcome in intact), intact


def test_every_option_of_a_node_is_a_measure_or_wiring():
    config = container_config(
        "t", spec_of(), spec_of().nodes[0], image="i", network="n", keeper_folder="/f", facts=EngineFacts()
    )
    told = {path for paths, _weaken in MEASURES.values() for path in paths}
    assert leaves(config["HostConfig"]) - WIRING == told


def test_every_guard_is_a_measure_that_is_tried():
    named = {measure for area in AREAS for probe in area.probes for measure in probe.guards}
    assert named == {*MEASURES, *ELSEWHERE}


@pytest.mark.parametrize("measure", ["internal-network", "no-gateway-address"])
def test_a_network_without_the_measure_lets_a_probe_through(
    measure: str, base_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    gone = {"internal-network": {"internal": False}, "no-gateway-address": {"options": {}}}[measure]
    whole = networks.network_wish
    monkeypatch.setattr(networks, "network_wish", lambda *asked: {**whole(*asked), **gone})
    world = docker_world(tmp_path)
    try:
        with host_services() as (port, addresses):
            spec = world.sandbox("node")
            outcomes = list(attack(Arena(world.driver, spec, spec, addresses, port), guarding(measure)))
    finally:
        world.clean()
    assert any(outcome.verdict is Verdict.BROKEN for outcome in outcomes), outcomes


def test_sandboxes_that_share_a_user_use_up_each_others_pools(base_image: str, tmp_path: Path):
    world = docker_world(tmp_path)
    try:
        spec = world.sandbox("node")
        twin = create(world.driver, replace(spec_of("next"), uid=spec.uid))
        outcomes = list(attack(Arena(world.driver, spec, twin), guarding("own-uid")))
    finally:
        world.clean()
    assert any(outcome.verdict is Verdict.BROKEN for outcome in outcomes), outcomes


def test_a_keeper_that_would_be_root_does_not_start(
    base_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def as_root(*asked: Any, **wishes: Any) -> dict[str, Any]:
        return {**container_config(*asked, **wishes), "User": ""}

    monkeypatch.setattr(docker_driver, "container_config", as_root)
    world = docker_world(tmp_path)
    try:
        with pytest.raises(DriverError):
            world.driver.create(spec_of())
    finally:
        world.clean()
    assert isinstance(world.driver, DockerDriver)
