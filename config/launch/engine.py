"""The Docker engine as a program of this machine: found, or started and later stopped again.

Several installations may share one engine. Each launcher holds a shared lock while it uses it; the last one to leave
stops the engine, when a launcher had started it and no container runs on it.
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from config.launch.console import Failure, say, step

START_SECONDS = 60
STOP_SECONDS = 30
SEARCH_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


class SocketConnection(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=5)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def address() -> str:
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def ask(path: str) -> bytes | None:
    """The engine's answer to GET ``path``; None when it gives none."""
    where = urlsplit(address())
    connection: HTTPConnection
    if where.scheme == "unix":
        connection = SocketConnection(where.path)
    else:
        connection = HTTPConnection(where.hostname or "localhost", where.port or 2375, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == 200 else None


def answers() -> bool:
    return ask("/_ping") is not None


def running_containers() -> int:
    return len(json.loads(ask("/containers/json") or b"[]"))


class Engine:
    """This launcher's use of the machine's engine."""

    def __init__(self, logs: Path) -> None:
        self.log = logs / "dockerd.log"
        self._use: IO[str] | None = None

    @property
    def folder(self) -> Path:
        return Path("/run/yunlian") if os.geteuid() == 0 else self.log.parent

    def ensure(self) -> None:
        """An engine answers, and no other launcher stops it until ``leave``.

        Raises Failure when none can be had; the site works without it, labs do not.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._use = (self.folder / "engine.lock").open("a+")
        with (self.folder / "engine.starting").open("a+") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            fcntl.flock(self._use, fcntl.LOCK_SH)
            if not answers():
                self._start()

    def _start(self) -> None:
        if os.environ.get("DOCKER_HOST"):
            raise Failure(
                f"No Docker engine answers at DOCKER_HOST={address()}.",
                "start it there, or unset DOCKER_HOST",
            )
        if os.geteuid() != 0:
            raise Failure(
                "No Docker engine answers to this user at /var/run/docker.sock, and only root can start one.",
                "sudo ./dev up",
            )
        program = shutil.which("dockerd", path=SEARCH_PATH)
        if program is None:
            raise Failure("There is no Docker engine on this machine.", "apt-get install docker.io iptables")
        with step("Docker engine"), self.log.open("ab") as log:
            begin = log.tell()
            daemon = subprocess.Popen(
                [program],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PATH": SEARCH_PATH},
            )
            (self.folder / "dockerd.pid").write_text(str(daemon.pid))
            deadline = time.monotonic() + START_SECONDS
            while not answers():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    daemon.wait(0.1)
                if daemon.returncode is not None or time.monotonic() > deadline:
                    self._give_up(daemon, begin)

    def _give_up(self, daemon: "subprocess.Popen[bytes]", begin: int) -> None:
        """Stop the half-started daemon and raise what its log says."""
        daemon.kill()
        daemon.wait()
        (self.folder / "dockerd.pid").unlink(missing_ok=True)
        with self.log.open("rb") as log:
            log.seek(begin)
            lines = [
                line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()
            ]
        said = next(
            (line for line in reversed(lines) if "fail" in line.lower() or "error" in line.lower()), ""
        )
        raise Failure(
            f"dockerd did not start: {said or f'no answer within {START_SECONDS} s'}",
            f"read {self.log}; the engine needs root, cgroups and iptables, which some containers withhold",
        )

    def leave(self) -> None:
        """This launcher needs the engine no more; it stops when a launcher started it and nothing else uses it."""
        if self._use is None:
            return
        use, self._use = self._use, None
        with (self.folder / "engine.starting").open("a+") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            fcntl.flock(use, fcntl.LOCK_UN)
            try:
                fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            finally:
                use.close()
            # Another engine was used than the one a launcher started here: what runs on that one is not known.
            pid = 0 if os.environ.get("DOCKER_HOST") else self._our_daemon()
            if pid and running_containers() == 0:
                self._stop(pid)

    def _our_daemon(self) -> int:
        """The pid of the dockerd that a launcher started, 0 when there is none."""
        path = self.folder / "dockerd.pid"
        try:
            pid = int(path.read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return 0
        return pid if words[0].endswith(b"dockerd") else 0

    def _stop(self, pid: int) -> None:
        with step("Docker engine stopped"):
            watch = os.pidfd_open(pid)
            try:
                os.kill(pid, signal.SIGTERM)
                poll_gone(watch, STOP_SECONDS)
            finally:
                os.close(watch)
            (self.folder / "dockerd.pid").unlink(missing_ok=True)


def poll_gone(pidfd: int, seconds: float) -> None:
    """The process behind ``pidfd`` ended, or the time ran out."""
    select.select([pidfd], [], [], seconds)


def ensure_able(info: Mapping[str, Any] | None, euid: int) -> None:
    """Raises Failure when the engine answers, and yet cannot run sandboxes for this user or on this kernel.

    The worker judges more closely later (labs.drivers.docker.diagnosis); this is what a start can say at once.
    """
    if euid != 0:
        raise Failure(
            "The engine answers, but sandboxes need a worker that runs as root.",
            "start it as root: sudo ./dev up",
        )
    needed = ("MemoryLimit", "PidsLimit", "CpuCfsQuota")
    lacking = [name for name in needed if info is not None and not info.get(name)]
    if lacking:
        raise Failure(
            f"This kernel does not limit a sandbox's resources: the engine reports no {', '.join(lacking)}.",
            "mount the cgroup controllers memory, pids and cpu (boot with cgroup_enable=memory), restart the engine",
        )


def start_or_explain(engine: Engine) -> Failure | None:
    """None when an engine answers that can run sandboxes, else why not and what to do; the site starts either way."""
    try:
        engine.ensure()
        info = ask("/info")
        ensure_able(json.loads(info) if info else None, os.geteuid())
    except Failure as failure:
        say(f"! Labs will not run: {failure.cause} Fix: {failure.fix}")
        return failure
    return None
