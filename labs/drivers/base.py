"""The seam between the product and whatever runs the sandboxes. Plain values both ways; standard library only.

Every verb is repeatable: asking twice leaves the same world as asking once. The engine keeps no secret of ours and we
keep no id of its own: everything is found again by the label ``ref``.
"""

import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Protocol

LABEL = "yunlian"
INSTALLATION_LABEL = "yunlian.installation"
REF_LABEL = "yunlian.ref"
NODE_LABEL = "yunlian.node"

CHUNK_BYTES = 16 * 1024
WINDOW_BYTES = 256 * 1024
RING_BYTES = 2 * 1024 * 1024
EGRESS_PORT = 3128


class DriverError(Exception):
    """The engine refused or failed; the message says what a person can do."""


class DriverBusy(DriverError):
    """The engine cannot do it now; the same call may succeed later."""


class DriverUnavailable(DriverBusy):
    """No engine answers; ``remedy`` is the exact fix."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class SubnetTaken(DriverError):
    """The engine already has a network overlapping ``spec.subnet``: allocate the next one and call again."""


class Unsupported(DriverError):
    """This host can never do it as it is; trying again is no use."""


class NodeGone(DriverError):
    """The engine has no such running node (removed behind our back, or crashed)."""


class HomeTooLarge(DriverError):
    """A home holds more than may be kept of it."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The files are more than the {limit_bytes // 2**20} MiB that can be kept.")


class MemoryInUse(DriverError):
    """The node uses more memory than it was to be left; ``in_use_mib`` of it, memory file systems included."""

    def __init__(self, in_use_mib: int, wanted_mib: int) -> None:
        super().__init__(f"{in_use_mib} MiB are in use, which does not fit into {wanted_mib} MiB.")
        self.in_use_mib = in_use_mib


# Less free than this, and a shell that starts one more program would be killed for it.
LEAST_FREE = 1 / 16


def refuse_too_small(used_bytes: int, wanted_mib: int, now_mib: int) -> None:
    """Raises MemoryInUse when a node that holds ``used_bytes`` would be left too little by less memory than now."""
    if wanted_mib < now_mib and used_bytes > wanted_mib * 2**20 * (1 - LEAST_FREE):
        raise MemoryInUse(-(-used_bytes // 2**20), wanted_mib)


class PortClosed(DriverError):
    """No program of the node listens on that port."""


@dataclass(frozen=True)
class Problem:
    """Why no sandbox can run here, and the exact fix."""

    message: str
    remedy: str


@dataclass(frozen=True)
class HostUse:
    """What the engine's host has left, as measured; None where it cannot be told from here.

    The disk is that of the engine's data; what is kept back for root counts as used.
    """

    available_mib: int | None = None
    disk_percent: int | None = None
    disk_free_mib: int | None = None


@dataclass(frozen=True)
class NodeSpec:
    """One machine. Memory is what the learner's programs get; the driver adds the tmpfs sizes to the limit."""

    name: str
    image: str
    address: str
    cpus: float = 1.0
    memory_mib: int = 256
    pids: int = 128
    home_mib: int = 64
    tmp_mib: int = 32
    shm_mib: int = 16
    read_only: bool = True
    # The home's size on the host's disk, where it outlives a restart of the node; 0 for a home in memory.
    disk_mib: int = 0
    # An engine's runtime by name; empty for its default.
    runtime: str = ""
    # Whether its learner is root in it, though without root's rights over the kernel.
    root: bool = False
    # Whether its programs find a way out on EGRESS_PORT of its loopback.
    egress: bool = False

    @property
    def tmpfs_mib(self) -> int:
        """What its memory file systems may hold; a home on disk is none."""
        return (0 if self.disk_mib else self.home_mib) + self.tmp_mib + self.shm_mib

    @property
    def limit_mib(self) -> int:
        """The memory it holds: what its programs get, and its memory file systems, which are charged to it."""
        return self.memory_mib + self.tmpfs_mib


@dataclass(frozen=True)
class SandboxSpec:
    """The machines of one session. ``uid`` is the learner's, ``uid + 1`` the checker's; ``subnet`` in CIDR form."""

    ref: str
    uid: int
    subnet: str
    nodes: tuple[NodeSpec, ...]
    locale: str = "C.UTF-8"

    @property
    def checker_uid(self) -> int:
        return self.uid + 1

    def learner_uid(self, node: NodeSpec) -> int:
        """Who the learner is in that node."""
        return 0 if node.root else self.uid


@dataclass(frozen=True)
class NodeHealth:
    running: bool
    detail: str = ""


@dataclass(frozen=True)
class Health:
    """What the engine says of a sandbox now, node by node; ``ok`` when every expected node runs."""

    nodes: Mapping[str, NodeHealth]

    @property
    def ok(self) -> bool:
        return bool(self.nodes) and all(node.running for node in self.nodes.values())


@dataclass(frozen=True)
class RunResult:
    """What a script run from outside found. ``exit_code`` is 124 when it ran out of time."""

    exit_code: int
    output: str
    duration_ms: int

    @property
    def timed_out(self) -> bool:
        return self.exit_code == 124


@dataclass(frozen=True)
class NodeUsage:
    """``cpu_ns`` is the cgroup's own counter since ``epoch`` began; another epoch is another counter, from 0."""

    cpu_ns: int
    memory_bytes: int
    pids: int
    epoch: str = ""


@dataclass(frozen=True)
class Hello:
    """First word of an attachment. ``offset`` is that of the first byte that follows, ``gap`` the bytes missed.

    The size is 0 by 0 for one who watches a terminal whose shell nobody started yet.
    """

    epoch: str
    offset: int
    gap: int
    cols: int
    rows: int


@dataclass(frozen=True)
class Output:
    """At most CHUNK_BYTES of raw output starting at absolute ``offset``."""

    offset: int
    data: bytes


@dataclass(frozen=True)
class Gap:
    """This viewer was too slow: ``missed`` bytes were skipped, the next byte is at ``offset``."""

    offset: int
    missed: int


@dataclass(frozen=True)
class Resized:
    cols: int
    rows: int


@dataclass(frozen=True)
class Exited:
    """The terminal's shell ended; attaching again starts a new one, appended to the same stream."""

    code: int


@dataclass(frozen=True)
class Modes:
    """How the terminal treats what is typed, as seen when it had said ``offset`` bytes; told to those who watch."""

    offset: int
    echo: bool
    canonical: bool

    @property
    def hidden(self) -> bool:
        """Whether a program asks for a secret. A shell's line editor turns echo off, too, but edits lines itself."""
        return self.canonical and not self.echo


TerminalEvent = Output | Gap | Resized | Exited | Modes


@dataclass(frozen=True)
class WayOut:
    """``door`` is not blocking and takes the connections of a node's programs; ``life`` comes to its end with the node."""

    door: socket.socket
    life: socket.socket

    def close(self) -> None:
        self.door.close()
        self.life.close()


class Watch(Protocol):
    """A silent look at one terminal of one node: it starts, paces, sizes and types nothing."""

    hello: Hello

    def __aiter__(self) -> AsyncIterator[TerminalEvent]: ...

    async def ack(self, offset: int) -> None:
        """Everything before ``offset`` was consumed; nothing is sent WINDOW_BYTES beyond it."""

    async def close(self) -> None: ...


class Terminal(Watch, Protocol):
    """One attachment to one terminal of one node. What it does not acknowledge holds the terminal up."""

    async def write(self, data: bytes) -> None: ...

    async def resize(self, cols: int, rows: int) -> None: ...


class Driver(Protocol):
    """Raises DriverBusy or DriverError and nothing else."""

    def problem(self) -> Problem | None:
        """What keeps this process from running sandboxes here; None when nothing does."""

    def create(self, spec: SandboxSpec) -> None:
        """Every node of ``spec`` runs and its keeper takes attachments. Also completes a half-made sandbox.

        Raises SubnetTaken when the subnet overlaps another network of the engine.
        """

    def health(self, ref: str) -> Health: ...

    def restart(self, spec: SandboxSpec, node: str) -> None:
        """The node runs anew from its image: home, processes and terminals are fresh."""

    def run(
        self, ref: str, node: str, script: str, *, uid: int, gid: int, timeout_s: int, sealed: bool = False
    ) -> RunResult:
        """What a shell says of ``script``, piped in from outside as ``uid``:``gid``. Raises NodeGone.

        ``sealed``: the shell and the common tools are our own, mounted where nobody in the node can write; without,
        they are the node's.
        """

    def suspend(self, ref: str) -> None: ...

    def resume(self, ref: str) -> None: ...

    def thaw(self, ref: str) -> bool:
        """Whether the suspended sandbox goes on at once, without a call to the engine; if not, resume must be called.

        The one verb besides attach that a web process may call, within a millisecond or two.
        """

    def version_of(self, image: str) -> str:
        """What a node of ``image`` would be made from now; another answer than before means that it has changed."""

    def resize(self, ref: str, node: str, *, cpus: float, memory_mib: int) -> None:
        """The running node has the new limits, suspended or not. Raises NodeGone, or MemoryInUse and changes nothing."""

    def save_home(
        self, ref: str, node: str, into: IO[bytes], *, uid: int, limit_bytes: int, timeout_s: int
    ) -> int:
        """The files of the learner's home are in ``into`` as tar, made in the node as the learner; says its length.

        Raises NodeGone, DriverBusy when it is suspended, or HomeTooLarge beyond ``limit_bytes``.
        """

    def load_home(self, ref: str, node: str, source: IO[bytes], *, uid: int, timeout_s: int) -> None:
        """The files of the tar in ``source`` are in the learner's home, over what was there, unpacked as the learner."""

    def usage(self, ref: str) -> Mapping[str, NodeUsage]:
        """What each running node of ``ref`` used so far and holds now."""

    def usages(self) -> Mapping[str, Mapping[str, NodeUsage]]:
        """``usage`` of every ref of this installation, in one list call and one reading per node."""

    def host_use(self) -> HostUse:
        """What the engine's host has left now."""

    def granted(self, ref: str) -> Mapping[str, Mapping[str, str]]:
        """What the engine says it gave each node, in the words of the self-test: log, ports, names, network, ..."""

    def destroy(self, ref: str) -> None:
        """Nothing of ``ref`` is left in the engine or on the host's disk."""

    def list_refs(self) -> set[str]:
        """Every ref of this installation that the engine still holds anything of."""

    async def attach(
        self, ref: str, node: str, terminal: int, *, offset: int, cols: int = 80, rows: int = 24
    ) -> Terminal:
        """An attachment to terminal ``terminal`` (1 up), its shell started if none runs. Raises NodeGone."""

    async def watch(self, ref: str, node: str, terminal: int, *, offset: int) -> Watch:
        """What terminal ``terminal`` says from ``offset`` on, whether or not its shell runs. Raises NodeGone.

        A watch outlives the shell: Exited is told, and the next shell's output continues the stream. One that is too
        slow for the terminal is told a Gap.
        """

    def open_files(self, ref: str, node: str) -> socket.socket:
        """The talk with a program that reads and writes the learner's files as the learner (labs.files speaks it).

        For the web process; answers within seconds. Raises NodeGone, or DriverBusy when no process can be started.
        """

    def open_port(self, ref: str, node: str, address: str, port: int) -> socket.socket:
        """Connected to a TCP port of the node: on its loopback, else on its ``address``. Raises NodeGone or PortClosed."""

    def open_egress(self, ref: str, node: str) -> WayOut:
        """Where the node's programs ask for the way out. Raises NodeGone, DriverBusy, or DriverError without one."""


@dataclass(frozen=True)
class DriverOptions:
    """What the product tells a driver once, at its making."""

    installation: str
    run_dir: str
    keeper_gid: int = 0
    extra: Mapping[str, str] = field(default_factory=dict)
