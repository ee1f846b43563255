"""An engine in memory for tests: it keeps the same contract as a real one and fails when told to.

What a test may do besides the seam's verbs:

* ``driver.fail("create", DriverBusy("no"), times=2)``: the next calls of that verb raise.
* ``driver.answer("systemctl", RunResult(0, "ok\\n", 5))``: ``run`` answers so for every script that contains the text;
  the answer may also be a callable taking ``Run(ref, node, script, uid, gid)``. The last one told wins.
  Scripts nobody answered for are read line by line: ``echo``, ``exit``, ``sleep`` (takes no time); the rest does nothing.
* ``driver.lose(ref, node)``: the node disappears behind our back; without ``node`` the whole sandbox.
* ``driver.taken_subnets``: subnets that make ``create`` raise SubnetTaken.
* ``driver.thaws``: whether ``thaw`` can do it; ``driver.versions[image]``: what ``version_of`` answers.
* ``driver.calls``: ``(verb, ref)`` of every call so far. ``driver.reset()`` forgets everything.
* ``driver.sandboxes[ref].nodes[name]``: what exists, with ``suspended``, ``cpus``, ``memory_mib``, ``usage`` and
  ``home``, its files by name.
* ``driver.sandboxes[ref].nodes[name].door`` is where the node's programs ask for the way out, once it was opened.
* ``driver.services[node, port] = here``: programs of the node listening on ``port`` are what listens on ``here`` on
  this machine's loopback. ``driver.sandboxes[ref].nodes[name].folder.path`` is the folder of the node's files.

A terminal is a line shell that echoes what is typed and knows ``echo``, ``seq A B``, ``stty size``,
``stty echo``, ``stty -echo`` and ``exit N``.
"""

import io
import ipaddress
import shlex
import socket
import tarfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO

from labs.drivers.base import (
    DriverBusy,
    DriverError,
    DriverOptions,
    Health,
    HomeTooLarge,
    HostUse,
    NodeGone,
    NodeHealth,
    NodeSpec,
    NodeUsage,
    PortClosed,
    Problem,
    RunResult,
    SandboxSpec,
    SubnetTaken,
    WayOut,
    refuse_too_small,
)
from labs.drivers.fake_files import FakeHome
from labs.drivers.fake_terminals import FakeShell, FakeTerminal

OUTPUT_LIMIT = 64 * 1024
TERMINALS = 8


@dataclass(frozen=True)
class Run:
    """What one call of ``run`` asked."""

    ref: str
    node: str
    script: str
    uid: int
    gid: int


Answer = RunResult | Callable[[Run], RunResult]


@dataclass
class FakeNode:
    """One machine: what it was asked to be, and what happened to it since."""

    spec: NodeSpec
    cpus: float
    memory_mib: int
    stand_s: float
    running: bool = True
    suspended: bool = False
    usage: NodeUsage = field(default_factory=lambda: NodeUsage(1_000_000, 4 * 2**20, 2))
    epoch: str = field(default_factory=lambda: uuid.uuid4().hex)
    shells: dict[int, FakeShell] = field(default_factory=dict)
    home: dict[str, bytes] = field(default_factory=dict)
    folder: FakeHome = field(default_factory=FakeHome)
    door: socket.socket | None = None
    lives: list[socket.socket] = field(default_factory=list)

    def open_egress(self) -> WayOut:
        """What the node's programs reach at ``door``'s address; the same door each time."""
        if self.door is None:
            self.door = socket.create_server(("127.0.0.1", 0))
        ours, theirs = socket.socketpair()
        self.lives.append(theirs)
        door = self.door.dup()
        door.setblocking(False)
        ours.setblocking(False)
        return WayOut(door, ours)

    def shut_egress(self) -> None:
        for held in [*self.lives, *([self.door] if self.door else [])]:
            held.close()

    def end(self) -> None:
        self.running = False
        self.shut_egress()
        self.folder.remove()
        for shell in self.shells.values():
            shell.die()


@dataclass
class FakeSandbox:
    spec: SandboxSpec
    nodes: dict[str, FakeNode] = field(default_factory=dict)


class FakeDriver:
    """See the module's docstring; ``extra["stand_s"]`` is how long a full ring stands with nobody attached."""

    def __init__(self, options: DriverOptions) -> None:
        self.options = options
        self.stand_s = float(options.extra.get("stand_s", "60"))
        self._lock = threading.RLock()
        self.sandboxes: dict[str, FakeSandbox] = {}
        self.reset()

    def reset(self) -> None:
        for sandbox in self.sandboxes.values():
            for node in sandbox.nodes.values():
                node.folder.remove()
                node.shut_egress()
        self.services: dict[tuple[str, int], int] = {}
        self.sandboxes = {}
        self.taken_subnets: set[str] = set()
        self.thaws = True
        self.versions: dict[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.runs: list[Run] = []
        self.trouble: Problem | None = None
        self.measured = HostUse()
        self._failures: dict[str, list[DriverError]] = {}
        self._answers: list[tuple[str, Answer]] = []

    def fail(self, verb: str, error: DriverError, *, times: int = 1) -> None:
        self._failures.setdefault(verb, []).extend([error] * times)

    def answer(self, text: str, answer: Answer) -> None:
        self._answers.insert(0, (text, answer))

    def lose(self, ref: str, node: str | None = None) -> None:
        with self._lock:
            sandbox = self.sandboxes[ref]
            for name in [node] if node else list(sandbox.nodes):
                sandbox.nodes.pop(name).end()
            if node is None:
                del self.sandboxes[ref]

    def problem(self) -> Problem | None:
        return self.trouble

    def create(self, spec: SandboxSpec) -> None:
        self._called("create", spec.ref)
        with self._lock:
            self._refuse_overlap(spec)
            sandbox = self.sandboxes.setdefault(spec.ref, FakeSandbox(spec))
            for node in spec.nodes:
                if node.name not in sandbox.nodes or not sandbox.nodes[node.name].running:
                    sandbox.nodes[node.name] = self._made(node)

    def health(self, ref: str) -> Health:
        self._called("health", ref)
        sandbox = self.sandboxes.get(ref)
        if sandbox is None:
            return Health({})
        found = {}
        for node in sandbox.spec.nodes:
            known = sandbox.nodes.get(node.name)
            running = known is not None and known.running
            asleep = "paused" if known is not None and known.suspended else ""
            found[node.name] = NodeHealth(running, asleep if running else "gone")
        return Health(found)

    def restart(self, spec: SandboxSpec, node: str) -> None:
        self._called("restart", spec.ref)
        with self._lock:
            if spec.ref not in self.sandboxes:
                raise NodeGone(f"{spec.ref} is not there.")
            nodes = self.sandboxes[spec.ref].nodes
            if node in nodes:
                nodes[node].end()
            nodes[node] = self._made(next(wanted for wanted in spec.nodes if wanted.name == node))

    def run(
        self, ref: str, node: str, script: str, *, uid: int, gid: int, timeout_s: int, sealed: bool = False
    ) -> RunResult:
        self._called("run", ref)
        if self._node(ref, node).suspended:
            raise DriverBusy(f"{node} is suspended.")
        call = Run(ref, node, script, uid, gid)
        self.runs.append(call)
        for text, answer in self._answers:
            if text in script:
                return answer(call) if callable(answer) else answer
        return _read(script, timeout_s)

    def suspend(self, ref: str) -> None:
        self._called("suspend", ref)
        for node in self._nodes(ref):
            node.suspended = True

    def resume(self, ref: str) -> None:
        self._called("resume", ref)
        for node in self._nodes(ref):
            node.suspended = False

    def thaw(self, ref: str) -> bool:
        self._called("thaw", ref)
        held = self.sandboxes.get(ref)
        if not self.thaws or held is None or not any(node.suspended for node in held.nodes.values()):
            return False
        for node in held.nodes.values():
            node.suspended = False
        return True

    def version_of(self, image: str) -> str:
        return self.versions.get(image, f"{image}:1")

    def resize(self, ref: str, node: str, *, cpus: float, memory_mib: int) -> None:
        self._called("resize", ref)
        resized = self._node(ref, node)
        tmpfs = resized.spec.tmpfs_mib
        refuse_too_small(resized.usage.memory_bytes, memory_mib + tmpfs, resized.memory_mib + tmpfs)
        resized.cpus, resized.memory_mib = cpus, memory_mib

    def save_home(
        self, ref: str, node: str, into: IO[bytes], *, uid: int, limit_bytes: int, timeout_s: int
    ) -> int:
        self._called("save_home", ref)
        machine = self._node(ref, node)
        if machine.suspended:
            raise DriverBusy(f"{node} is suspended.")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name, content in sorted(machine.home.items()):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        if len(packed.getvalue()) > limit_bytes:
            raise HomeTooLarge(limit_bytes)
        return into.write(packed.getvalue())

    def load_home(self, ref: str, node: str, source: IO[bytes], *, uid: int, timeout_s: int) -> None:
        self._called("load_home", ref)
        machine = self._node(ref, node)
        if machine.suspended:
            raise DriverBusy(f"{node} is suspended.")
        with tarfile.open(fileobj=io.BytesIO(source.read())) as tar:
            for member in tar.getmembers():
                content = tar.extractfile(member)
                if content is not None:
                    machine.home[member.name] = content.read()

    def usage(self, ref: str) -> Mapping[str, NodeUsage]:
        self._called("usage", ref)
        sandbox = self.sandboxes.get(ref)
        return _used(sandbox) if sandbox else {}

    def usages(self) -> Mapping[str, Mapping[str, NodeUsage]]:
        self._called("usages", "")
        return {ref: _used(sandbox) for ref, sandbox in self.sandboxes.items()}

    def host_use(self) -> HostUse:
        self._called("host_use", "")
        return self.measured

    def granted(self, ref: str) -> Mapping[str, Mapping[str, str]]:
        self._called("granted", ref)
        return {name: {} for name in self.sandboxes[ref].nodes} if ref in self.sandboxes else {}

    def destroy(self, ref: str) -> None:
        self._called("destroy", ref)
        with self._lock:
            if ref in self.sandboxes:
                self.lose(ref)

    def list_refs(self) -> set[str]:
        self._called("list_refs", "")
        return set(self.sandboxes)

    async def attach(
        self, ref: str, node: str, terminal: int, *, offset: int, cols: int = 80, rows: int = 24
    ) -> FakeTerminal:
        self._called("attach", ref)
        epoch, shell = self._shell(ref, node, terminal)
        return shell.attach(epoch, offset, cols, rows)

    async def watch(self, ref: str, node: str, terminal: int, *, offset: int) -> FakeTerminal:
        self._called("watch", ref)
        epoch, shell = self._shell(ref, node, terminal)
        return shell.watch(epoch, offset)

    def _shell(self, ref: str, node: str, terminal: int) -> tuple[str, FakeShell]:
        machine = self._node(ref, node)
        if machine.suspended:
            raise DriverBusy(f"{node} is suspended.")
        if not 1 <= terminal <= TERMINALS:
            raise DriverError("no such terminal")
        return machine.epoch, machine.shells.setdefault(terminal, FakeShell(machine.stand_s))

    def open_files(self, ref: str, node: str) -> socket.socket:
        self._called("open_files", ref)
        machine = self._node(ref, node)
        if machine.suspended:
            raise DriverBusy(f"{node} is suspended.")
        return machine.folder.open()

    def open_port(self, ref: str, node: str, address: str, port: int) -> socket.socket:
        self._called("open_port", ref)
        if self._node(ref, node).suspended:
            raise DriverBusy(f"{node} is suspended.")
        try:
            return socket.create_connection(("127.0.0.1", self.services[node, port]), timeout=5)
        except (KeyError, OSError) as error:
            raise PortClosed(f"Nothing listens on port {port}.") from error

    def open_egress(self, ref: str, node: str) -> WayOut:
        self._called("open_egress", ref)
        machine = self._node(ref, node)
        if machine.suspended:
            raise DriverBusy(f"{node} is suspended.")
        if not machine.spec.egress:
            raise DriverError(f"{node}: this node has no way out.")
        return machine.open_egress()

    def _made(self, node: NodeSpec) -> FakeNode:
        return FakeNode(node, node.cpus, node.memory_mib, self.stand_s)

    def _called(self, verb: str, ref: str) -> None:
        self.calls.append((verb, ref))
        if self._failures.get(verb):
            raise self._failures[verb].pop(0)

    def _node(self, ref: str, node: str) -> FakeNode:
        sandbox = self.sandboxes.get(ref)
        if sandbox is None or node not in sandbox.nodes or not sandbox.nodes[node].running:
            raise NodeGone(f"{node} of {ref} is not there.")
        return sandbox.nodes[node]

    def _nodes(self, ref: str) -> Iterator[FakeNode]:
        if ref not in self.sandboxes:
            raise NodeGone(f"{ref} is not there.")
        yield from self.sandboxes[ref].nodes.values()

    def _refuse_overlap(self, spec: SandboxSpec) -> None:
        wanted = ipaddress.ip_network(spec.subnet)
        others = {s.spec.subnet for ref, s in self.sandboxes.items() if ref != spec.ref}
        for taken in self.taken_subnets | others:
            if wanted.overlaps(ipaddress.ip_network(taken)):
                raise SubnetTaken(f"{spec.subnet} overlaps {taken}.")


def _used(sandbox: FakeSandbox) -> dict[str, NodeUsage]:
    return {name: replace(node.usage, epoch=node.epoch) for name, node in sandbox.nodes.items()}


def _read(script: str, timeout_s: int) -> RunResult:
    said: list[str] = []
    slept_s = 0.0
    for line in script.splitlines():
        words = shlex.split(line, comments=True)
        match words:
            case ["echo", *rest]:
                said.append(" ".join(rest) + "\n")
            case ["sleep", seconds]:
                slept_s += float(seconds)
                if slept_s >= timeout_s:
                    return RunResult(124, "".join(said)[-OUTPUT_LIMIT:], timeout_s * 1000)
            case ["exit", code]:
                return RunResult(int(code), "".join(said)[-OUTPUT_LIMIT:], round(slept_s * 1000))
    return RunResult(0, "".join(said)[-OUTPUT_LIMIT:], round(slept_s * 1000))
