"""The seam's verbs on a Docker engine."""

import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from labs.drivers.base import (
    REF_LABEL,
    DriverBusy,
    DriverError,
    DriverOptions,
    Health,
    HostUse,
    NodeGone,
    NodeHealth,
    NodeSpec,
    NodeUsage,
    Problem,
    RunResult,
    SandboxSpec,
    Unsupported,
    WayOut,
)
from labs.drivers.docker import archives, nodes, openings, toolkit, wire
from labs.drivers.docker.containers import EngineFacts, container_config, why_no_root
from labs.drivers.docker.diagnosis import as_error, find_problem
from labs.drivers.docker.disks import HomeDisks
from labs.drivers.docker.engine import api, engine_errors
from labs.drivers.docker.freezer import Marks, NoFreezer, listener, set_frozen
from labs.drivers.docker.grants import granted
from labs.drivers.docker.images import tag_of
from labs.drivers.docker.keepers import PAUSE_S, SOCKET_WAIT_S, KeeperFolders
from labs.drivers.docker.measuring import host_use
from labs.drivers.docker.names import NODES_LABEL, checked, container_name
from labs.drivers.docker.networks import ensure_network, networks_of, remove_networks
from labs.drivers.docker.ptys import limit_terminals
from labs.drivers.docker.scripts import run_script
from labs.drivers.docker.terminal import DockerTerminal, DockerWatch

AT_ONCE = 8
# Beside the keepers' directories, under a name that no sandbox has.
DISKS = ".disks"
LIVELINESS_CHECK_S = 0.25
PROBLEM_KEPT_S = 10.0
# A node that runs already has its socket, or was interrupted while it was being made.
REOPEN_WAIT_S = 2.0

T = TypeVar("T")
Found = TypeVar("Found")

_pools: dict[int, ThreadPoolExecutor] = {}


class DockerDriver:
    """``extra`` may hold ``images`` (the images' folder, so that nodes start from its present content) and
    ``stand_s`` (how long a keeper's full ring stands with nobody attached, 60 by default)."""

    def __init__(self, options: DriverOptions) -> None:
        self.installation = checked(options.installation)
        self.folders = KeeperFolders(Path(options.run_dir).resolve(), options.keeper_gid)
        self.disks = HomeDisks(self.folders.root / DISKS)
        folder = options.extra.get("images")
        self._images = Path(folder) if folder else None
        self._marks = Marks(self.folders.root)
        self._keeper_options = {k: v for k, v in options.extra.items() if k == "stand_s"}
        self._facts: EngineFacts | None = None
        self._usable_until = 0.0

    def problem(self) -> Problem | None:
        return find_problem(self._images)

    def create(self, spec: SandboxSpec) -> None:
        self._ensure_usable()
        with self.folders.one_at_a_time(spec.ref):
            network = ensure_network(self.installation, spec)
            _each(partial(self._ensure_node, spec, network), spec.nodes)

    def health(self, ref: str) -> Health:
        found: dict[str, NodeHealth] = {}
        for container in nodes.containers_of(self.installation, ref):
            for expected in container["Labels"].get(NODES_LABEL, "").split(","):
                found.setdefault(expected, NodeHealth(False, "gone"))
            name = nodes.node_of(container)
            found[name] = nodes.health(container)
            if found[name].running and self._marks.has(ref):
                found[name] = NodeHealth(True, "paused")
            if found[name].running and not self.folders.is_secured(ref, name):
                found[name] = NodeHealth(False, "not ready")
        return Health(found)

    def restart(self, spec: SandboxSpec, node: str) -> None:
        wanted = next((one for one in spec.nodes if one.name == node), None)
        if wanted is None:
            raise DriverError(f"{spec.ref} has no node {node}.")
        with self.folders.one_at_a_time(spec.ref):
            if not networks_of(self.installation, spec.ref):
                raise NodeGone(f"{spec.ref} is not there.")
            network = ensure_network(self.installation, spec)
            self._thaw(spec.ref)
            nodes.remove(container_name(self.installation, spec.ref, node))
            self._ensure_node(spec, network, wanted)

    def run(
        self, ref: str, node: str, script: str, *, uid: int, gid: int, timeout_s: int, sealed: bool = False
    ) -> RunResult:
        if not self.folders.is_secured(ref, node):
            raise NodeGone(f"{node} of {ref} is not there.")
        self._ensure_awake(ref, node)
        name = container_name(self.installation, ref, node)
        return run_script(name, script, uid=uid, gid=gid, timeout_s=timeout_s, sealed=sealed)

    def suspend(self, ref: str) -> None:
        containers = self._containers(ref)
        paused = any(str(container.get("State")) == "paused" for container in containers)
        if paused or not self._freeze(ref, len(containers)):
            _each(partial(nodes.set_suspended, suspended=True), [str(one["Id"]) for one in containers])

    def resume(self, ref: str) -> None:
        if not self.thaw(ref):
            names = [str(container["Id"]) for container in self._containers(ref)]
            _each(partial(nodes.set_suspended, suspended=False), names)

    def thaw(self, ref: str) -> bool:
        return self._marks.has(checked(ref)) and self._thaw(ref)

    def resize(self, ref: str, node: str, *, cpus: float, memory_mib: int) -> None:
        name = container_name(self.installation, ref, node)
        nodes.resize(name, cpus=cpus, memory_mib=memory_mib, facts=self._engine_facts())

    def save_home(
        self, ref: str, node: str, into: IO[bytes], *, uid: int, limit_bytes: int, timeout_s: int
    ) -> int:
        self._ensure_awake(ref, node)
        name = container_name(self.installation, ref, node)
        return archives.pack(name, into, uid=uid, limit_bytes=limit_bytes, timeout_s=timeout_s)

    def load_home(self, ref: str, node: str, source: IO[bytes], *, uid: int, timeout_s: int) -> None:
        self._ensure_awake(ref, node)
        name = container_name(self.installation, ref, node)
        archives.unpack(name, source, uid=uid, timeout_s=timeout_s)

    def usage(self, ref: str) -> Mapping[str, NodeUsage]:
        return self._measured(ref).get(ref, {})

    def usages(self) -> Mapping[str, Mapping[str, NodeUsage]]:
        return self._measured()

    def _measured(self, ref: str = "") -> dict[str, dict[str, NodeUsage]]:
        containers = nodes.containers_of(self.installation, ref)
        measured = _each(nodes.usage, [container["Id"] for container in containers])
        found: dict[str, dict[str, NodeUsage]] = {}
        for container, used in zip(containers, measured, strict=True):
            if used is not None:
                found.setdefault(container["Labels"][REF_LABEL], {})[nodes.node_of(container)] = used
        return found

    def host_use(self) -> HostUse:
        return host_use(self._engine_facts().data_root)

    def granted(self, ref: str) -> Mapping[str, Mapping[str, str]]:
        networks = networks_of(self.installation, ref)
        names = [nodes.node_of(container) for container in nodes.containers_of(self.installation, ref)]
        known = {name: nodes.inspect(container_name(self.installation, ref, name)) for name in names}
        return {name: granted(container, networks) for name, container in known.items() if container}

    def destroy(self, ref: str) -> None:
        with self.folders.one_at_a_time(ref):
            containers = nodes.containers_of(self.installation, ref)
            self._thaw(ref)
            _each(nodes.remove, [container["Id"] for container in containers])
            remove_networks(self.installation, ref)
            self.disks.remove(ref)
            self.folders.remove(ref)

    def list_refs(self) -> set[str]:
        self._ensure_usable()
        held = nodes.containers_of(self.installation) + networks_of(self.installation)
        return {item["Labels"][REF_LABEL] for item in held} | self.folders.refs() | self.disks.refs()

    def version_of(self, image: str) -> str:
        return self._image(image)

    async def attach(
        self, ref: str, node: str, terminal: int, *, offset: int, cols: int = 80, rows: int = 24
    ) -> DockerTerminal:
        wish = wire.attach(
            _number(terminal), _offset(offset), max(1, min(cols, 1000)), max(1, min(rows, 1000))
        )
        return await DockerTerminal.open(self.folders, ref, node, wish)

    async def watch(self, ref: str, node: str, terminal: int, *, offset: int) -> DockerWatch:
        wish = wire.watch(_number(terminal), _offset(offset))
        return await DockerWatch.open(self.folders, ref, node, wish)

    def open_files(self, ref: str, node: str) -> socket.socket:
        return openings.open_files(self.folders, ref, node)

    def open_port(self, ref: str, node: str, address: str, port: int) -> socket.socket:
        return openings.open_port(self.folders, ref, node, address, port)

    def open_egress(self, ref: str, node: str) -> WayOut:
        return openings.open_egress(self.folders, ref, node)

    def _ensure_node(self, spec: SandboxSpec, network: str, node: NodeSpec) -> None:
        name = container_name(self.installation, spec.ref, node.name)
        known = nodes.inspect(name)
        if known and known["State"]["Running"]:
            stands = known["State"]["Paused"] or self._marks.has(spec.ref)
            if stands and self.folders.is_secured(spec.ref, node.name):
                return
            try:
                self._open_node(spec, node, REOPEN_WAIT_S)
            except DriverBusy:
                raise
            except DriverError:
                nodes.remove(name)
            else:
                return
        elif known:
            nodes.remove(name)
        if node.runtime and node.runtime not in self._engine_facts().runtimes:
            raise Unsupported(f"This host has no runtime {node.runtime}, which the lab asks for.")
        refusal = why_no_root(node, self._engine_facts())
        if refusal:
            raise Unsupported(refusal)
        owner = self._on_host(spec.learner_uid(node))
        folder = self.folders.prepare(spec.ref, node.name, spec.uid, owner=owner)
        config = container_config(
            self.installation,
            spec,
            node,
            image=self._image(node.image),
            network=network,
            keeper_folder=str(folder),
            facts=self._engine_facts(),
            keeper_options=self._keeper_options,
            toolkit_folder=self._toolkit(),
            home_folder=self.disks.ensure(spec.ref, node, (owner[0], self._on_host(spec.uid)[1]))
            if node.disk_mib
            else "",
        )
        nodes.start(name, config)
        self._open_node(spec, node)

    def _open_node(self, spec: SandboxSpec, node: NodeSpec, patience_s: float = SOCKET_WAIT_S) -> None:
        """The keeper's directory is ours and the keeper starts learners' programs. Raises when it does not live."""
        deadline = time.monotonic() + patience_s
        look_at = time.monotonic() + LIVELINESS_CHECK_S
        while not self.folders.has_socket(spec.ref, node.name):
            if time.monotonic() > look_at:
                self._raise_if_ended(spec, node)
                look_at = time.monotonic() + LIVELINESS_CHECK_S
            if time.monotonic() > deadline:
                raise DriverError(f"The keeper of {node.name} did not open its socket.")
            time.sleep(PAUSE_S)
        known = nodes.inspect(container_name(self.installation, spec.ref, node.name))
        limit_terminals(known, self._engine_facts().gid_shift)
        owner, _group = self._on_host(spec.learner_uid(node))
        self.folders.take_over(spec.ref, node.name, owner, from_root=node.root)
        self.folders.say_go(spec.ref, node.name, deadline)

    def _on_host(self, uid: int) -> tuple[int, int]:
        """The uid and gid that a node's ``uid`` has on the host, where the engine may remap users."""
        facts = self._engine_facts()
        return uid + facts.uid_shift, uid + facts.gid_shift

    def _raise_if_ended(self, spec: SandboxSpec, node: NodeSpec) -> None:
        known = nodes.inspect(container_name(self.installation, spec.ref, node.name))
        if known is None or not known["State"]["Running"]:
            state = known["State"] if known else {}
            raise DriverError(
                f"{node.name} ended at once (exit code {state.get('ExitCode')}). {state.get('Error', '')}".strip()
            )

    def _freeze(self, ref: str, count: int) -> bool:
        """Whether all ``count`` nodes stand still without the engine's help; none does when not."""
        names = self.folders.nodes(ref)
        if len(names) != count:
            return False
        self._marks.set(ref)
        try:
            for name in names:
                self._set_frozen(ref, name, frozen=True)
        except (NoFreezer, NodeGone):
            self._thaw(ref)
            return False
        return True

    def _thaw(self, ref: str) -> bool:
        """Whether no node of ``ref`` stands still by us any more; nodes that are gone do not."""
        if not self._marks.has(ref):
            return True
        for name in self.folders.nodes(ref):
            try:
                self._set_frozen(ref, name, frozen=False)
            except NodeGone:
                continue
            except NoFreezer:
                return False
        self._marks.remove(ref)
        return True

    def _set_frozen(self, ref: str, node: str, *, frozen: bool) -> None:
        with self.folders.door(ref, node) as path:
            pid = listener(path)
        set_frozen(pid, frozen=frozen)

    def _containers(self, ref: str) -> list[dict[str, Any]]:
        found = nodes.containers_of(self.installation, ref)
        if not found:
            raise NodeGone(f"{ref} is not there.")
        return found

    def _image(self, name: str) -> str:
        tag = tag_of(checked(name), self._images)
        if not tag:
            raise DriverError(f"There is no image {name}: add sandbox_images/{name} or build the images.")
        return tag

    def _toolkit(self) -> str:
        """Where the checks' tools are on the host; empty where their image is not built."""
        tag = tag_of(toolkit.IMAGE, self._images)
        return str((tag and toolkit.toolkit_folder(self.folders.root, tag)) or "")

    def _engine_facts(self) -> EngineFacts:
        if self._facts is None:
            with engine_errors():
                self._facts = EngineFacts.read(api().info(), str(api().api_version))
        return self._facts

    def _ensure_awake(self, ref: str, node: str) -> None:
        """Raises DriverBusy for what the engine would start and what would then wait for the thaw."""
        if self._marks.has(ref):
            raise DriverBusy(f"{node} is suspended.")

    def _ensure_usable(self) -> None:
        """Raises DriverUnavailable with the cause and its fix. Images are looked at when a node needs one."""
        if time.monotonic() > self._usable_until:
            problem = find_problem(None)
            if problem:
                raise as_error(problem)
            self._usable_until = time.monotonic() + PROBLEM_KEPT_S


def _number(terminal: int) -> int:
    if not 1 <= terminal <= 255:
        raise DriverError(f"There is no terminal {terminal}.")
    return terminal


def _offset(wished: int) -> int:
    return max(0, min(wished, 2**63))


def _each(verb: Callable[[T], Found], items: Iterable[T]) -> list[Found]:
    """``verb`` done to every item at the same time; the first error is raised when all are done."""
    running = [_pool().submit(verb, item) for item in items]
    errors = [error for error in (future.exception() for future in running) if error]
    if errors:
        raise errors[0]
    return [future.result() for future in running]


def _pool() -> ThreadPoolExecutor:
    """Threads of this process, kept so that each keeps its engine client."""
    if os.getpid() not in _pools:
        _pools[os.getpid()] = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="engine")
    return _pools[os.getpid()]
