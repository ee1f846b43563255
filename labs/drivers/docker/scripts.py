"""A script run inside a node from outside: piped in, limited in time and output, its exit code told."""

import socket
import struct
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from docker.errors import APIError

from labs.drivers.base import DriverBusy, NodeGone, RunResult
from labs.drivers.docker import toolkit
from labs.drivers.docker.containers import HOME, PATH
from labs.drivers.docker.engine import api, engine_errors, is_conflict, is_missing

RUNNER = "/usr/lib/yunlian/runner"
OUTPUT_BYTES = 64 * 1024
TIMED_OUT = 124
GRACE_S = 5
STDOUT, STDERR = 1, 2
HEADER = struct.Struct("!BxxxI")
SETTLE_TRIES = 100
SETTLE_PAUSE_S = 0.01


def run_script(
    container: str, script: str, *, uid: int, gid: int, timeout_s: int, sealed: bool = False
) -> RunResult:
    """What a shell says of ``script``: the node's /bin/sh, or when ``sealed`` the toolkit's, with its tools first.

    A user other than the group's own leaves no process behind.

    Raises NodeGone without such a running node, DriverBusy when it is suspended or has no room for a process.
    """
    content = script.encode()
    tidy = "tidy" if uid != gid else "keep"
    began = time.monotonic()
    arguments = [str(timeout_s), str(len(content)), str(OUTPUT_BYTES), tidy]
    command = [toolkit.RUNNER, *arguments, toolkit.SHELL] if sealed else [RUNNER, *arguments]
    more = {"USER": "learner" if uid == gid else "checker", **(toolkit.ENVIRONMENT if sealed else {})}
    created = create_exec(container, command, uid=uid, gid=gid, stdin=True, more=more)
    output, complaint = _talk(created, content, began + timeout_s + GRACE_S)
    exit_code = TIMED_OUT if output is None else _exit_code(created)
    if complaint or (exit_code == 126 and (output or b"").startswith(b"OCI runtime")):
        reason = (complaint or output or b"").decode(errors="replace").strip()
        raise DriverBusy(f"The node could not run it: {reason}")
    told = (output or b"")[-OUTPUT_BYTES:].decode(errors="replace")
    return RunResult(exit_code, told, round((time.monotonic() - began) * 1000))


def create_exec(
    container: str, command: list[str], *, uid: int, gid: int, stdin: bool, more: Mapping[str, str]
) -> str:
    """The id of an exec made ready in the container as ``uid``:``gid``. Raises NodeGone when that does not run."""
    with engine_errors():
        try:
            created = api().exec_create(
                container,
                command,
                stdin=stdin,
                user=f"{uid}:{gid}",
                workdir="/",
                environment={"HOME": HOME, "PATH": PATH, "LANG": "C.UTF-8", **more},
            )
        except APIError as error:
            if is_missing(error):
                raise NodeGone(f"{container} is not there.") from error
            if is_conflict(error) and "paused" not in str(error.explanation):
                raise NodeGone(f"{container} is not running.") from error
            raise
    return str(created["Id"])


def _talk(created: str, content: bytes, deadline: float) -> tuple[bytes | None, bytes]:
    """What the script said (None when it ran over the deadline) and what the runner itself complained of."""
    told: dict[int, bytearray] = {STDOUT: bytearray(), STDERR: bytearray()}
    with engine_errors():
        started = api().exec_start(created, socket=True)
        with closing(started._response):
            stream: socket.socket = started._sock
            try:
                stream.settimeout(max(0.1, deadline - time.monotonic()))
                stream.sendall(content)
                while (piece := frame(stream, deadline)) is not None:
                    kind, data = piece
                    told.setdefault(kind, bytearray()).extend(data)
            except TimeoutError:
                return None, b""
    return bytes(told[STDOUT]), bytes(told[STDERR])


def frame(stream: socket.socket, deadline: float) -> tuple[int, bytes] | None:
    """The next piece of what an exec says: from which of its outputs, and what. None at its end."""
    head = _exactly(stream, HEADER.size, deadline)
    if head is None:
        return None
    kind, length = HEADER.unpack(head)
    data = _exactly(stream, length, deadline)
    return None if data is None else (kind, data)


def _exactly(stream: socket.socket, length: int, deadline: float) -> bytes | None:
    data = bytearray()
    while len(data) < length:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        stream.settimeout(left)
        part = stream.recv(length - len(data))
        if not part:
            return None
        data += part
    return bytes(data)


def _exit_code(created: str) -> int:
    """The runner's exit code; its output ends a moment before the engine has noticed."""
    found: dict[str, Any] = {}
    for _try in range(SETTLE_TRIES):
        with engine_errors():
            try:
                found = api().exec_inspect(created)
            except APIError as error:
                if is_missing(error):
                    raise NodeGone("The node stopped while the script ran.") from error
                raise
        if not found["Running"] and found["ExitCode"] is not None:
            return int(found["ExitCode"])
        time.sleep(SETTLE_PAUSE_S)
    return TIMED_OUT
