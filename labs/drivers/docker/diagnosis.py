"""Why no sandbox can run here, cause and exact fix; labs.engine holds the translations of these very words."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labs.drivers.base import DriverError, DriverUnavailable, Problem
from labs.drivers.docker.engine import api, engine_errors, forget
from labs.drivers.docker.images import missing

DEFAULT_SOCKET = "/var/run/docker.sock"
OLDEST_API = (1, 41)
CONNECT_S = 5

NOT_RUNNING = Problem(
    "No Docker engine is running on this machine.",
    "Start it with: service docker start (or install it: apt-get install docker.io)",
)
FORBIDDEN = Problem(
    "This process may not talk to the Docker engine.",
    "Start it as root: sudo ./dev up",
)
SILENT = Problem(
    "The Docker engine does not answer.",
    "Look at the engine's log, then restart it: service docker restart",
)
TOO_OLD = Problem(
    "The Docker engine is too old.",
    "Install version 20.10 or newer: apt-get install docker.io",
)
NOT_ROOT = Problem("Sandboxes need a worker that runs as root.", "Start it as root: sudo ./dev up")
NO_LIMITS = Problem(
    "This kernel does not limit the memory, processes or processor time of a sandbox.",
    "Mount the cgroup controllers memory, pids and cpu (boot with cgroup_enable=memory), then restart the engine.",
)
NO_SECCOMP = Problem(
    "The Docker engine runs without seccomp.",
    "Install an engine built with seccomp on a kernel that has it: apt-get install docker.io",
)
NO_IMAGES = Problem(
    "Sandbox images are missing or out of date.",
    "Build them: python manage.py build_images",
)


def find_problem(images: Path | None) -> Problem | None:
    """The first thing that keeps this process from running sandboxes; None when nothing does."""
    unreachable = _reach()
    if unreachable:
        return unreachable
    try:
        with engine_errors():
            info, version = api().info(), api().version()
    except DriverError:
        return SILENT
    return judge(info, str(version["ApiVersion"]), os.geteuid()) or _images(images)


def judge(info: Mapping[str, Any], api_version: str, euid: int) -> Problem | None:
    """What an engine that answers lacks."""
    if tuple(int(part) for part in api_version.split(".")) < OLDEST_API:
        return TOO_OLD
    if euid != 0:
        return NOT_ROOT
    if not (info.get("MemoryLimit") and info.get("PidsLimit") and info.get("CpuCfsQuota")):
        return NO_LIMITS
    if not any("seccomp" in option for option in info.get("SecurityOptions") or []):
        return NO_SECCOMP
    return None


def as_error(problem: Problem) -> DriverUnavailable:
    return DriverUnavailable(problem.message, problem.remedy)


def _reach() -> Problem | None:
    host = os.environ.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}"
    try:
        if host.startswith("unix://"):
            with socket.socket(socket.AF_UNIX) as door:
                door.settimeout(CONNECT_S)
                door.connect(host.removeprefix("unix://"))
    except PermissionError:
        return FORBIDDEN
    except (FileNotFoundError, ConnectionRefusedError):
        return NOT_RUNNING
    except OSError:
        return SILENT
    try:
        _ping()
    except DriverUnavailable:
        return SILENT if host.startswith("unix://") else NOT_RUNNING
    except DriverError:
        return SILENT
    return None


def _ping() -> None:
    """The engine answers; a connection that broke since the last call says nothing about it."""
    try:
        with engine_errors():
            api().ping()
    except DriverUnavailable:
        forget()
        with engine_errors():
            api().ping()


def _images(folder: Path | None) -> Problem | None:
    return NO_IMAGES if folder and missing(folder) else None
