"""Homes on the host's disk within a quota: an ext4 file system in a file of exactly the promised size.

Its bytes and its inodes are what mkfs made; no quota of the host's own file system is needed, so it holds on any that
can keep a file of that size. It outlives a restart of the node and goes with the sandbox.
"""

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from labs.drivers.base import DriverError, NodeSpec
from labs.drivers.docker.keepers import disk_errors
from labs.drivers.docker.names import NAME, checked

MIB = 1024 * 1024
INODES_PER_MIB = 256
FEWEST_INODES = 1024
OPTIONS = "loop,nosuid,nodev,noatime"
TOOL_WAIT_S = 60


@dataclass(frozen=True)
class HomeDisks:
    """Every disk of one installation; below ``root`` a folder per sandbox with an image and a mount point per node."""

    root: Path

    def ensure(self, ref: str, node: NodeSpec, owner: tuple[int, int]) -> str:
        """Where the home of ``node`` is on the host, of the uid and gid ``owner``, empty when it was not there before. Raises DriverError."""
        image, place = self._paths(ref, node.name)
        with disk_errors():
            place.mkdir(mode=0o750, parents=True, exist_ok=True)
            if not image.exists():
                _format(image, node.disk_mib, owner)
            if not os.path.ismount(place):
                _tool("mount", "-o", OPTIONS, str(image), str(place))
                with suppress(FileNotFoundError):
                    (place / "lost+found").rmdir()
                place.chmod(0o750)
        return str(place)

    def remove(self, ref: str) -> None:
        """No disk of ``ref`` is mounted or left in a file."""
        folder = self.root / checked(ref)
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and os.path.ismount(entry.path):
                    _tool("umount", entry.path)
        with disk_errors(), suppress(FileNotFoundError):
            shutil.rmtree(folder)

    def refs(self) -> set[str]:
        with suppress(FileNotFoundError), os.scandir(self.root) as entries:
            return {entry.name for entry in entries if NAME.fullmatch(entry.name)}
        return set()

    def _paths(self, ref: str, node: str) -> tuple[Path, Path]:
        folder = self.root / checked(ref)
        return folder / f"{checked(node)}.img", folder / node


def _format(image: Path, mib: int, owner: tuple[int, int]) -> None:
    """The whole size is taken from the host's disk now, so that a full host stops a start and not a learner."""
    unfinished = image.with_suffix(".new")
    with unfinished.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, mib * MIB)
    inodes = max(FEWEST_INODES, mib * INODES_PER_MIB)
    wishes = ["-q", "-F", "-m", "0", "-O", "^has_journal", "-N", str(inodes)]
    _tool("mkfs.ext4", *wishes, "-E", f"nodiscard,root_owner={owner[0]}:{owner[1]}", str(unfinished))
    unfinished.rename(image)


def _tool(*command: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=TOOL_WAIT_S,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DriverError(f"A home on disk needs {command[0]} on the host: {error}") from error
    if done.returncode:
        raise DriverError(f"A home on disk could not be had, {command[0]} says: {done.stderr.strip()}")
