"""What the engine's host has left, read where the worker runs: it shares the host with the engine, or tells nothing."""

import os
import re
from pathlib import Path

from labs.drivers.base import HostUse

MEMINFO = Path("/proc/meminfo")
MIB = 2**20


def host_use(data_root: str, meminfo: Path = MEMINFO) -> HostUse:
    """Memory by the kernel's own estimate of what may be taken without swapping; the file system of ``data_root``."""
    percent, free_mib = _disk(data_root)
    return HostUse(_available_mib(meminfo), percent, free_mib)


def _available_mib(meminfo: Path) -> int | None:
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) // 1024 if found else None


def _disk(data_root: str) -> tuple[int | None, int | None]:
    try:
        found = os.statvfs(data_root)
    except OSError:
        return None, None
    taken = found.f_blocks - found.f_bfree
    # As df has it: of what anybody but root could have.
    whole = taken + found.f_bavail
    return -(-taken * 100 // whole) if whole else None, found.f_bavail * found.f_frsize // MIB
