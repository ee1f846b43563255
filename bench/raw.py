"""The same machines by bare calls of the Engine: what the product's figures are put beside."""

import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import docker

from bench.world import World
from labs.drivers.docker.images import tag_of
from labs.drivers.docker.networks import OPTIONS

# How the images' shell ends its prompt.
PROMPT = b"$\x1b[0m "
MIB = 2**20


class RawShell:
    """An exec with a PTY over the Engine's own socket, its first prompt read."""

    def __init__(self, engine: docker.APIClient, container: str, user: str = "65534") -> None:
        asked = engine.exec_create(container, ["bash", "-il"], stdin=True, tty=True, user=user)
        # The response closes its socket when it is collected, so it is held.
        self.response = engine.exec_start(asked["Id"], tty=True, socket=True)
        self.socket: socket.socket = self.response._sock
        self.read_until(PROMPT)

    def read_until(self, marker: bytes) -> bytes:
        """All that came until ``marker`` did."""
        data = b""
        while marker not in data:
            part = self.socket.recv(65536)
            if not part:
                raise EOFError(f"the shell ended after {data!r}")
            data += part
        return data

    def close(self) -> None:
        self.response.close()


class RawLab:
    """A network and its containers, each with a shell on a PTY of its own; nothing hardened, nothing looked after."""

    def __init__(self, world: World, nodes: Sequence[dict[str, Any]], images: Any) -> None:
        self.world, self.nodes, self.images = world, nodes, images
        self.network = ""
        self.containers: list[str] = []
        self.shells: list[RawShell] = []

    def start(self) -> None:
        """Every node shows its first prompt; the nodes were started in parallel."""
        subnet = self.world.subnet()
        pool = docker.types.IPAMPool(subnet=subnet)
        self.network = self.world.engine.create_network(
            f"raw-{self.world.label}-{subnet.replace('/', '-')}",
            driver="bridge",
            options=OPTIONS,
            ipam=docker.types.IPAMConfig(pool_configs=[pool]),
            internal=True,
            labels=self.world.labels,
        )["Id"]
        with ThreadPoolExecutor(len(self.nodes)) as threads:
            made = list(threads.map(partial(_start_node, self), self.nodes))
        self.containers = [container for container, _shell in made]
        self.shells = [shell for _container, shell in made]

    def stop(self) -> None:
        for shell in self.shells:
            shell.close()
        for container in self.containers:
            self.world.engine.remove_container(container, force=True, v=True)
        self.world.engine.remove_network(self.network)


def _start_node(lab: RawLab, node: dict[str, Any]) -> tuple[str, RawShell]:
    engine = docker.APIClient(version=lab.world.engine.api_version, timeout=60)
    created = engine.create_container(
        tag_of(node["image"], lab.images),
        ["sleep", "infinity"],
        hostname=node["name"],
        labels=lab.world.labels,
        environment={"TERM": "xterm-256color"},
        host_config=engine.create_host_config(
            network_mode=lab.network,
            mem_limit=node["memory_mib"] * MIB,
            nano_cpus=round(node["cpus"] * 1e9),
            pids_limit=node["pids"],
            log_config={"Type": "none"},
        ),
    )
    engine.start(created["Id"])
    return created["Id"], RawShell(engine, created["Id"])


@contextmanager
def raw_lab(world: World, nodes: Sequence[dict[str, Any]], images: Any) -> Iterator[RawLab]:
    """A started lab that is gone afterwards."""
    lab = RawLab(world, nodes, images)
    lab.start()
    try:
        yield lab
    finally:
        lab.stop()
