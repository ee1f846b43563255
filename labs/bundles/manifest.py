"""What lab.toml may say. docs/authoring-labs.md explains each key to authors."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field

from community.api import ClauseReference
from labs import allowlist

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
NodeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=30)]
Sentence = Annotated[str, Field(min_length=1, max_length=2000)]
Title = Annotated[str, Field(min_length=1, max_length=120)]

OTHERWISE = "otherwise"
LARGEST_NODE_S = 150
SMALLEST_DISK_MIB = 16

Path = tuple[str | int, ...]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Titles(Part):
    zh: Title
    en: Title


class Words(Part):
    zh: Sentence
    en: Sentence


class Hints(Part):
    zh: list[Sentence] = Field(default=[], max_length=10)
    en: list[Sentence] = Field(default=[], max_length=10)


class Reason(Part):
    reason: Words
    hints: Hints = Hints()


class NodeText(Part):
    name: NodeName
    image: Key
    cpus: float = Field(default=1.0, ge=0.05, le=8)
    memory_mib: int = Field(default=256, ge=16, le=16_384)
    cpus_max: float | None = Field(default=None, ge=0.05, le=8)
    memory_mib_max: int | None = Field(default=None, ge=16, le=16_384)
    home_mib: int = Field(default=64, ge=4, le=4096)
    pids: int = Field(default=128, ge=16, le=4096)
    disk_mib: int = Field(default=0, ge=0, le=16_384)
    runtime: Literal["", "runc", "runsc", "kata"] = ""
    root: bool = False
    read_only: bool = True
    read_only_reason: str = Field(default="", max_length=500)
    links: list[str] = Field(default=[], max_length=16)


class CheckText(Part):
    id: Key
    node: str
    points: int = Field(default=1, ge=1, le=100)
    timeout_s: int = Field(default=10, ge=1, le=60)
    hint_cost: int | None = Field(default=None, ge=0, le=100)
    script: Key | None = None
    clauses: list[str] = Field(default=[], max_length=16)
    title: Titles
    reasons: dict[Key, Reason]

    @property
    def script_name(self) -> str:
        """The file under checks/, without its ending; checks that look at the same thing on two nodes share one."""
        return self.script or self.id


class StepText(Part):
    id: Key
    title: Titles
    checks: list[CheckText] = Field(default=[], max_length=20)


class PreviewText(Part):
    """A port of a node that the lab page offers to open."""

    node: str
    port: int = Field(ge=1, le=65_535)
    title: Titles


class Manifest(Part):
    slug: Key
    level: Literal["beginner", "intermediate", "advanced"]
    minutes: int = Field(ge=1, le=480)
    terminals: int = Field(default=1, ge=1)
    hint_cost: int = Field(default=0, ge=0, le=100)
    title: Titles
    summary: Words
    nodes: list[NodeText] = Field(min_length=1, max_length=8)
    previews: list[PreviewText] = Field(default=[], max_length=8)
    egress: list[str] = Field(default=[], max_length=32)
    exam_egress: list[str] = Field(default=[], max_length=32)
    steps: list[StepText] = Field(min_length=1, max_length=40)

    @property
    def node_names(self) -> list[str]:
        return [node.name for node in self.nodes]

    @property
    def checks(self) -> list[CheckText]:
        return [check for step in self.steps for check in step.checks]

    def faults(self) -> Iterator[tuple[Path, str]]:
        """What no single value shows: where, and what is wrong."""
        yield from _repeated("node", [(("nodes", i, "name"), n.name) for i, n in enumerate(self.nodes)])
        yield from _repeated("step", [(("steps", i, "id"), s.id) for i, s in enumerate(self.steps)])
        places = [
            (("steps", i, "checks", j), check)
            for i, step in enumerate(self.steps)
            for j, check in enumerate(step.checks)
        ]
        yield from _repeated("check", [((*path, "id"), check.id) for path, check in places])
        if self.terminals > settings.LABS_TERMINALS_PER_NODE:
            yield ("terminals",), f"at most {settings.LABS_TERMINALS_PER_NODE} terminals per node"
        if not places:
            yield ("steps",), "a lab needs at least one check, or it could never be passed"
        yield from _repeated(
            "preview", [(("previews", i, "port"), f"{p.node}:{p.port}") for i, p in enumerate(self.previews)]
        )
        for i, preview in enumerate(self.previews):
            if preview.node not in self.node_names:
                yield ("previews", i, "node"), f"{preview.node!r} is no node of this lab"
        yield from _host_faults("egress", self.egress)
        yield from _host_faults("exam_egress", self.exam_egress)
        for i, node in enumerate(self.nodes):
            yield from self._node_faults(("nodes", i), node)
        for path, check in places:
            yield from self._check_faults(path, check)
        for name in self.node_names:
            seconds = sum(check.timeout_s for check in self.checks if check.node == name)
            if seconds > LARGEST_NODE_S:
                yield (
                    ("steps",),
                    f"the checks of node {name} may take {seconds} s together; at most {LARGEST_NODE_S} s",
                )

    def _node_faults(self, path: Path, node: NodeText) -> Iterator[tuple[Path, str]]:
        for link in node.links:
            if link not in self.node_names or link == node.name:
                yield (*path, "links"), f"links to {link!r}, which is no other node of this lab"
        if node.cpus_max is not None and node.cpus_max < node.cpus:
            yield (*path, "cpus_max"), f"is less than cpus, {node.cpus:g}"
        if node.memory_mib_max is not None and node.memory_mib_max < node.memory_mib:
            yield (*path, "memory_mib_max"), f"is less than memory_mib, {node.memory_mib}"
        if 0 < node.disk_mib < SMALLEST_DISK_MIB:
            yield (*path, "disk_mib"), f"0 for a home in memory, or at least {SMALLEST_DISK_MIB}"
        if node.root and not node.runtime:
            yield (
                (*path, "root"),
                'root = true needs runtime = "runsc" or "kata", or "runc" for hosts whose engine remaps users',
            )
        if node.root and not node.read_only:
            yield (*path, "root"), "root and a writable root file system: the host's disk would have no limit"
        if not node.read_only and not node.read_only_reason.strip():
            yield (*path, "read_only"), "read_only = false needs read_only_reason"

    def _check_faults(self, path: Path, check: CheckText) -> Iterator[tuple[Path, str]]:
        if check.node not in self.node_names:
            yield (*path, "node"), f"{check.node!r} is no node of this lab"
        if OTHERWISE not in check.reasons:
            yield (*path, "reasons"), f"needs reasons.{OTHERWISE}, for output that no other reason names"
        for key, reason in check.reasons.items():
            if len(reason.hints.zh) != len(reason.hints.en):
                yield (*path, "reasons", key, "hints"), "needs as many hints in zh as in en"
        for text in check.clauses:
            try:
                ClauseReference.parse(text)
            except ValueError as error:
                yield (*path, "clauses"), str(error)


def _host_faults(key: str, hosts: list[str]) -> Iterator[tuple[Path, str]]:
    for i, text in enumerate(hosts):
        try:
            allowlist.Entry.parse(text)
        except allowlist.BadEntry as error:
            yield (key, i), str(error)
    yield from _repeated("host", [((key, i), text) for i, text in enumerate(hosts)])


def _repeated(noun: str, named: list[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
    counts = Counter(name for _path, name in named)
    seen: set[str] = set()
    for path, name in named:
        if counts[name] > 1 and name in seen:
            yield path, f"{noun} {name!r} is there twice"
        seen.add(name)


def plain(part: Part) -> dict[str, Any]:
    """The part as JSON keeps it in the database."""
    return part.model_dump(mode="json")
