"""Sandboxes to try things on: in memory, and on the real engine under an installation of their own."""

import asyncio
import itertools
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from labs.drivers.base import (
    Driver,
    DriverOptions,
    Gap,
    NodeSpec,
    Output,
    RunResult,
    SandboxSpec,
    SubnetTaken,
    Terminal,
    TerminalEvent,
)
from labs.drivers.docker.driver import DockerDriver
from labs.drivers.docker.engine import api
from labs.drivers.docker.images import build_all
from labs.drivers.docker.names import container_name
from labs.drivers.fake import FakeDriver

IMAGES = Path(__file__).resolve().parents[2] / "sandbox_images"
DEADLINE_S = 20.0
uids = itertools.count(random.randrange(400_000, 800_000, 2), 2)


@pytest.fixture(scope="session")
def base_image() -> str:
    return build_all(IMAGES, lambda _line: None, only="base")["base"]


def spec_of(*names: str, ref: str = "", **wishes: Any) -> SandboxSpec:
    """A sandbox of small nodes in a subnet by chance."""
    third, fourth = random.randrange(256), random.randrange(0, 256, 16)
    nodes = tuple(
        NodeSpec(
            name, "base", f"10.214.{third}.{fourth + 2 + i}", **{"memory_mib": 64, "home_mib": 16, **wishes}
        )
        for i, name in enumerate(names or ("node",))
    )
    return SandboxSpec(ref or f"r{uuid.uuid4().hex[:10]}", next(uids), f"10.214.{third}.{fourth}/28", nodes)


def create(driver: Driver, spec: SandboxSpec) -> SandboxSpec:
    """``spec`` is made, in another subnet when others of this engine have taken its own."""
    for _attempt in range(20):
        try:
            driver.create(spec)
        except SubnetTaken:
            other = spec_of(*(node.name for node in spec.nodes), ref=spec.ref)
            moved = (
                NodeSpec(**{**vars(node), "address": there.address})
                for node, there in zip(spec.nodes, other.nodes, strict=True)
            )
            spec = SandboxSpec(spec.ref, spec.uid, other.subnet, tuple(moved), spec.locale)
        else:
            return spec
    raise AssertionError("twenty subnets in a row are taken")


@dataclass
class World:
    """A driver, what may be done behind its back, and the sandboxes a test made on it."""

    driver: Any
    lose: Callable[[str, str], None]
    made: list[str] = field(default_factory=list)

    def sandbox(self, *names: str, **wishes: Any) -> SandboxSpec:
        spec = spec_of(*names, **wishes)
        self.made.append(spec.ref)
        return create(self.driver, spec)

    def clean(self) -> None:
        for ref in self.driver.list_refs():
            self.driver.destroy(ref)


def docker_world(run_dir: Path, **options: str) -> World:
    installation = f"t{uuid.uuid4().hex[:9]}"
    extra = {"images": str(IMAGES), **options}
    driver = DockerDriver(DriverOptions(installation, str(run_dir), 0, extra))

    def lose(ref: str, node: str) -> None:
        api().remove_container(container_name(installation, ref, node), force=True)

    return World(driver, lose)


def fake_world() -> World:
    driver = FakeDriver(DriverOptions("test", "/nowhere", 0, {"stand_s": "0.2"}))
    return World(driver, driver.lose)


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.docker)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Every driver in turn; whatever the test made on it is gone afterwards."""
    if request.param == "docker":
        request.getfixturevalue("base_image")
        made = docker_world(tmp_path, stand_s="1")
    else:
        made = fake_world()
    yield made
    made.clean()


@dataclass
class Place:
    """One sandbox on the real engine that many tests look at."""

    world: World
    spec: SandboxSpec

    @property
    def driver(self) -> DockerDriver:
        driver = self.world.driver
        assert isinstance(driver, DockerDriver)
        return driver

    def container(self, node: str = "node") -> str:
        return container_name(self.driver.installation, self.spec.ref, node)

    def as_learner(self, script: str, *, node: str = "node", timeout_s: int = 15) -> RunResult:
        uid = self.spec.uid
        return self.driver.run(self.spec.ref, node, script, uid=uid, gid=uid, timeout_s=timeout_s)

    def as_checker(self, script: str, *, node: str = "node", timeout_s: int = 15) -> RunResult:
        return self.driver.run(
            self.spec.ref, node, script, uid=self.spec.checker_uid, gid=self.spec.uid, timeout_s=timeout_s
        )

    def pid_1(self, node: str = "node") -> int:
        """The keeper's number on the host."""
        return int(api().inspect_container(self.container(node))["State"]["Pid"])

    @asynccontextmanager
    async def attached(self, terminal: int = 1, *, offset: int = 0, **size: int) -> AsyncIterator[Terminal]:
        attachment = await self.driver.attach(self.spec.ref, "node", terminal, offset=offset, **size)
        try:
            yield attachment
        finally:
            await attachment.close()


@contextmanager
def docker_place(
    run_dir: Path, *names: str, options: dict[str, str] | None = None, **wishes: Any
) -> Iterator[Place]:
    world = docker_world(run_dir, **(options or {}))
    try:
        yield Place(world, world.sandbox(*names, **wishes))
    finally:
        world.clean()


@pytest.fixture(scope="session")
def place(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Two nodes that probes share; none of them may break it."""
    with docker_place(tmp_path_factory.mktemp("keepers"), "node", "other", memory_mib=96) as made:
        yield made


@dataclass
class Screen:
    """Everything a viewer was sent, and whether the offsets told of it agree."""

    terminal: Terminal
    data: bytearray = field(default_factory=bytearray)
    events: list[TerminalEvent] = field(default_factory=list)
    end: int = -1
    acking: bool = True

    def __post_init__(self) -> None:
        self.end = self.terminal.hello.offset
        self._stream = self.terminal.__aiter__()

    async def take(self) -> TerminalEvent:
        event = await asyncio.wait_for(anext(self._stream), DEADLINE_S)
        self.events.append(event)
        if isinstance(event, Output):
            assert event.offset == self.end, "a byte was lost or repeated"
            self.data += event.data
            self.end += len(event.data)
            if self.acking:
                await self.terminal.ack(self.end)
        elif isinstance(event, Gap):
            assert event.offset - event.missed == self.end, "the gap is not what it says"
            self.end = event.offset
        return event

    async def until(self, marker: bytes, times: int = 1) -> bytes:
        """All that was sent by the time it held ``marker`` so many times; what is typed is shown once itself."""
        found, looked_to = 0, 0
        async with asyncio.timeout(DEADLINE_S):
            while True:
                while (at := self.data.find(marker, looked_to)) >= 0:
                    found, looked_to = found + 1, at + len(marker)
                if found >= times:
                    return bytes(self.data)
                looked_to = max(looked_to, len(self.data) - len(marker) + 1)
                await self.take()

    async def until_event(self, kind: type[TerminalEvent]) -> Any:
        async with asyncio.timeout(DEADLINE_S):
            while not any(isinstance(event, kind) for event in self.events):
                await self.take()
        return next(event for event in self.events if isinstance(event, kind))

    async def quiet(self, seconds: float = 0.4) -> bytes:
        """What was sent until nothing came for ``seconds``."""
        while True:
            event = asyncio.ensure_future(anext(self._stream))
            done, _pending = await asyncio.wait({event}, timeout=seconds)
            if not done:
                event.cancel()
                await asyncio.wait({event})
                self._stream = self.terminal.__aiter__()
                return bytes(self.data)
            told = event.result()
            self.events.append(told)
            if isinstance(told, Output):
                assert told.offset == self.end, "a byte was lost or repeated"
                self.data += told.data
                self.end += len(told.data)
                if self.acking:
                    await self.terminal.ack(self.end)
            elif isinstance(told, Gap):
                self.end = told.offset


def eventually(predicate: Callable[[], Any], what: str, seconds: float = DEADLINE_S) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := predicate()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return found
