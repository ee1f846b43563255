"""Where the self-test takes place: a sandbox as learners get it, a neighbour, and services that must stay out of reach."""

import os
import random
import secrets
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from labs.drivers.base import Driver, NodeSpec, SandboxSpec, SubnetTaken

IMAGE = "base"
TARGET, SIBLING = "node", "sibling"
SUBNET_TRIES = 40
FIRST_NODE = 2
NAMESPACES = ("ipc", "mnt", "net", "pid", "uts", "cgroup")
SERVE = (
    'setsid python3 -c \'\nimport socket\ndoor = socket.create_server(("", 8080))\n'
    "while True: door.accept()[0].close()' >/dev/null 2>&1 </dev/null &"
)


@dataclass(frozen=True)
class Arena:
    """What the probes of one node are told about their surroundings."""

    driver: Driver
    spec: SandboxSpec
    neighbour: SandboxSpec
    host_services: tuple[str, ...] = ()
    host_port: int = 9

    def node(self, name: str) -> NodeSpec:
        return next(node for node in self.spec.nodes if node.name == name)

    def facts(self, name: str) -> Mapping[str, str]:
        """The variables that scripts run on ``name`` may use."""
        node = self.node(name)
        sibling = next((other for other in self.spec.nodes if other.name != name), node)
        return {
            "OWN_UID": str(self.spec.uid),
            "SIBLING": sibling.address,
            "NEIGHBOUR": self.neighbour.nodes[0].address,
            "NEIGHBOURS_SIBLING": self.neighbour.nodes[-1].address,
            "GATEWAY": str(ip_network(self.spec.subnet)[1]),
            "HOST_PORT": str(self.host_port),
            "HOST_SERVICES": " ".join(self.host_services) or "240.0.0.1:9",
            "HOST_PID": str(os.getpid()),
            "TMP_MIB": str(node.tmp_mib),
            "SHM_MIB": str(node.shm_mib),
            "HOME_MIB": str(node.home_mib),
            "TOTAL_MIB": str(node.limit_mib),
            "PIDS": str(node.pids),
            **{f"HOST_NS_{name.upper()}": _namespace(name) for name in NAMESPACES},
        }


def sandbox(uids: str, subnets: str, prefix: int, *nodes: NodeSpec) -> SandboxSpec:
    """A sandbox of ``nodes`` with a uid and a subnet by chance, from the ranges that learners' come from."""
    first, last = (int(end) for end in uids.split("-"))
    spec = SandboxSpec(secrets.token_hex(8), random.randrange(first + first % 2, last, 2), "", nodes)  # noqa: S311
    return placed(spec, subnets, prefix)


def placed(spec: SandboxSpec, subnets: str, prefix: int) -> SandboxSpec:
    """``spec`` in another subnet of the range."""
    whole = ip_network(subnets)
    size = 2 ** (whole.max_prefixlen - prefix)
    start = int(whole.network_address) + size * random.randrange(whole.num_addresses // size)  # noqa: S311
    nodes = tuple(
        replace(node, address=str(ip_address(start + FIRST_NODE + place)))
        for place, node in enumerate(spec.nodes)
    )
    return replace(spec, subnet=f"{ip_address(start)}/{prefix}", nodes=nodes)


def create(driver: Driver, spec: SandboxSpec, subnets: str, prefix: int) -> SandboxSpec:
    """``spec`` runs, wherever the engine had room. Raises DriverError."""
    for _attempt in range(SUBNET_TRIES):
        try:
            driver.create(spec)
        except SubnetTaken:
            spec = placed(spec, subnets, prefix)
        else:
            return spec
    raise SubnetTaken(f"{SUBNET_TRIES} subnets of {subnets} in a row are taken.")


def serve(driver: Driver, spec: SandboxSpec, node: str) -> None:
    """A service answers on port 8080 of ``node``: what a probe reaches where it may, and must not reach elsewhere."""
    driver.run(spec.ref, node, SERVE, uid=spec.uid, gid=spec.uid, timeout_s=10)


@contextmanager
def host_services() -> Iterator[tuple[int, tuple[str, ...]]]:
    """A service on every address of this host: its port, and the addresses that reach it from here."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        server.settimeout(0.2)
        port, stop = server.getsockname()[1], threading.Event()

        def answer() -> None:
            while not stop.is_set():
                with suppress(TimeoutError):
                    server.accept()[0].close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield port, tuple(f"{address}:{port}" for address in _addresses() if _answers(address, port))
        finally:
            stop.set()
            thread.join()


def _addresses() -> list[str]:
    """Every address of this host's interfaces that can be named without one, loopback aside."""
    shown = subprocess.run(["ip", "-o", "addr", "show"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    found = [line.split()[3].split("/")[0] for line in shown.splitlines()]
    return [address for address in found if address not in {"127.0.0.1", "::1"} and address[:4] != "fe80"]


def _answers(address: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((address, port), 2):
        return True
    return False


def _namespace(name: str) -> str:
    with suppress(OSError):
        return os.readlink(f"/proc/self/ns/{name}")
    return ""
