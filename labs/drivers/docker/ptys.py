"""A limit on a node's pseudo-terminals: the kernel counts them for all nodes together, and no engine option sets one.

The node's own devpts is reconfigured from outside through a descriptor, before any learner's program runs: nothing of
the node is executed and no namespace is entered.
"""

import ctypes
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

TERMINALS = 64
# A reconfiguration forgets what it is not told again.
TTY_GID = 5
OPTIONS = {"mode": "620", "ptmxmode": "666", "max": str(TERMINALS)}
# The same numbers on every architecture.
FSCONFIG, FSPICK = 431, 433
CLOEXEC, SET_STRING, RECONFIGURE = 1, 1, 7
AT_FDCWD = -100


def limit_terminals(container: Mapping[str, Any] | None, gid_shift: int = 0) -> bool:
    """The node opens at most TERMINALS; False where the engine's processes cannot be seen from here."""
    pid = int(container["State"]["Pid"]) if container else 0
    if not container or not _is_of(pid, str(container["Id"])):
        return False
    try:
        _reconfigure(f"/proc/{pid}/root/dev/pts", {**OPTIONS, "gid": str(TTY_GID + gid_shift)})
    except OSError as error:
        log.warning("the pseudo-terminals of %s are not limited: %s", container["Name"], error)
        return False
    return True


def _is_of(pid: int, container_id: str) -> bool:
    """Whether ``pid`` here is the container's: a worker in a container of its own sees other numbers."""
    with suppress(OSError):
        return pid > 0 and container_id in Path(f"/proc/{pid}/cgroup").read_text()
    return False


def _reconfigure(path: str, options: Mapping[str, str]) -> None:
    context = _call(FSPICK, AT_FDCWD, path.encode(), CLOEXEC)
    try:
        for key, value in options.items():
            _call(FSCONFIG, context, SET_STRING, key.encode(), value.encode(), 0)
        _call(FSCONFIG, context, RECONFIGURE, None, None, 0)
    finally:
        os.close(context)


def _call(number: int, *arguments: int | bytes | None) -> int:
    kernel = ctypes.CDLL(None, use_errno=True)
    answer = int(kernel.syscall(ctypes.c_long(number), *arguments))
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return answer
