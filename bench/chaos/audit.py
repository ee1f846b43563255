"""What is left when every life is over: asked of the engine, the host and the database."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import docker

from bench.chaos import MARK
from bench.chaos.engine import OwnEngine
from bench.chaos.lives import Heard
from labs.recordings.journal import GAP, events_of
from tests.stack import Stack

SETTLE_S = 120
SETTLE_AGAIN_S = 20
LOOK_AGAIN_S = 2
# A session that was left is stopped by then.
STOP_S = 60
EVERY_ENGINE_HAS = frozenset({"bridge", "host", "none"})


@dataclass(frozen=True)
class Left:
    """Everything that should not be there any more, each kind with its count; ``words`` says which."""

    counts: dict[str, int]
    words: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def ask(stack: Stack, question: str) -> Any:
    """The answer of the installation's own database to a question of ``bench.chaos.questions``."""
    script = f"from bench.chaos import questions; questions.tell({question})"
    return json.loads(stack.manage("shell", "-c", script).rpartition(MARK)[2])


def audit(stack: Stack, client: docker.APIClient, own: OwnEngine | None, uids: range) -> Left:
    """What is left once nothing changes any more, or SETTLE_S after the last life.

    What an engine that was killed has itself forgotten is told apart.
    """
    left = _settled(stack, client, own, uids, SETTLE_S)
    forgotten = own.end_forgotten() if own and left.total else []
    if forgotten:
        left = _settled(stack, client, own, uids, SETTLE_AGAIN_S)
    return replace(left, forgotten=forgotten)


def _settled(
    stack: Stack, client: docker.APIClient, own: OwnEngine | None, uids: range, most_s: float
) -> Left:
    deadline = time.monotonic() + most_s
    while (left := _look(stack, client, own, uids)).total and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN_S)
    return left


def _look(stack: Stack, client: docker.APIClient, own: OwnEngine | None, uids: range) -> Left:
    charges = ask(stack, "questions.wrong_charges()")
    rows = {f"rows_{kind}": count for kind, count in ask(stack, "questions.unended_rows()").items()}
    found = {
        **in_engine(client, "" if own else stack.installation_id),
        **on_disk(stack.var, Path("/proc/self/mountinfo").read_text(), loop_files()),
        "processes": processes(Path("/proc"), uids),
        "links": own.links() if own else [],
        "shims": own.shims() if own else [],
    }
    counts = {kind: len(left) for kind, left in found.items()}
    words = [f"{kind}: {name}" for kind, left in found.items() for name in left]
    return Left({**counts, **rows, "wrong_charges": len(charges)}, words + charges)


def in_engine(client: docker.APIClient, installation: str) -> dict[str, list[str]]:
    """Containers, networks and volumes of ``installation``; everything the engine has when that is empty."""
    mine = {"label": f"yunlian.installation={installation}"} if installation else {}
    containers = client.containers(all=True, filters=mine)
    networks = client.networks(filters=mine)
    volumes = (client.volumes(filters=mine) or {}).get("Volumes") or []
    return {
        "containers": [" ".join(one.get("Names") or [one["Id"]]) for one in containers],
        "networks": [one["Name"] for one in networks if one["Name"] not in EVERY_ENGINE_HAS],
        "volumes": [one["Name"] for one in volumes],
    }


def on_disk(var: Path, mountinfo: str, loops: Iterable[str]) -> dict[str, list[str]]:
    """Folders and disks of sandboxes in ``var``, and file systems and loop devices that hold on to it."""
    keepers = var / "keepers"
    folders = [path for path in keepers.glob("[!.]*") if path.is_dir()]
    disks = keepers / ".disks"
    points = [line.split()[4] for line in mountinfo.splitlines()]
    return {
        "folders": [str(path) for path in folders],
        "disks": [str(path) for path in disks.iterdir()] if disks.is_dir() else [],
        "mounts": [point for point in points if point.startswith(f"{var}/")],
        "loop_devices": [file for file in loops if file.startswith(f"{var}/")],
    }


def loop_files() -> list[str]:
    """The files behind the host's loop devices."""
    found = []
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            found.append(path.read_text().strip())
        except OSError:
            continue  # detached meanwhile
    return found


def processes(proc: Path, uids: range) -> list[str]:
    """Processes that run as one of ``uids``, which only sandboxes have."""
    found = []
    for status in proc.glob("[0-9]*/status"):
        try:
            lines = status.read_text().splitlines()
        except OSError:
            continue  # it ended meanwhile
        uid = next((int(line.split()[1]) for line in lines if line.startswith("Uid:")), 0)
        if uid in uids:
            found.append(f"{status.parent.name} {lines[0].partition(':')[2].strip()}")
    return found


def compare_recordings(
    heard: Iterable[Heard], kept: Iterable[Mapping[str, str]], shaken: Container[str] = ()
) -> tuple[Counter[str], list[str]]:
    """How many recordings hold what their learner read, byte for byte: ``complete``; and what is the matter with others.

    ``short`` and ``missing`` ones look as if they were whole, ``incomplete`` ones say that they are not. Of ``shaken``
    sessions, whose machines an engine took along unasked, nobody could have had the rest: ``lost_with_engine``.
    """
    found = {(one["session"], one["node"], one["terminal"], one["epoch"]): one for one in kept}
    counts: Counter[str] = Counter()
    words = []
    for one in heard:
        row = found.get((one.session, one.node, one.terminal, one.epoch))
        verdict = _compared(Path(row["path"]), one) if row else "missing"
        if verdict in {"short", "missing"} and one.session in shaken:
            verdict = "lost_with_engine"
        elif verdict in {"short", "missing"} and row and row["lack"]:
            verdict = "incomplete"
        counts[verdict] += 1
        if verdict != "complete":
            words.append(f"the recording of {one.session} {one.node} is {verdict}")
    return counts, words


def shaken(spans: Mapping[str, tuple[float, float]], deaths: Iterable[float]) -> set[str]:
    """The sessions during which an engine that takes all machines along was killed, their stop included."""
    deaths = list(deaths)
    return {
        session
        for session, (began, left) in spans.items()
        if any(began <= death <= left + STOP_S for death in deaths)
    }


def _compared(path: Path, heard: Heard) -> str:
    try:
        _header, events = events_of(path)
        raw, whole = bytearray(), True
        for event in events:
            whole = whole and event.code != GAP
            raw += event.raw
    except (OSError, ValueError):
        return "missing"
    if not whole:
        return "wrong"
    if len(raw) < heard.length:
        return "short"
    return "complete" if hashlib.sha256(raw[: heard.length]).hexdigest() == heard.digest else "wrong"
