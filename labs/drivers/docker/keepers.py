"""The keepers' directories on the host: made for the keeper, then taken from it before any learner's program runs.

A directory that a learner's uid owns is a way to the host: a link in place of the socket sends whoever connects
elsewhere. So the driver takes it over while nothing but the keeper runs, trusts only what it then finds by lstat, and
always connects through a descriptor of the directory itself.
"""

import fcntl
import os
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from labs.drivers.base import DriverBusy, DriverError, NodeGone
from labs.drivers.docker import wire
from labs.drivers.docker.names import NAME, checked

SOCKET = "keeper.sock"
PASSWD, GROUP = "passwd", "group"
SECURED_MODE = 0o755
# Nobody's on the host and in no node, and no learner may give a file to it.
GUARD_UID = 65_533
OURS = frozenset({0, GUARD_UID})
HANDSHAKE_S = 5.0
SOCKET_WAIT_S = 15.0
LOCK_WAIT_S = 60.0
PAUSE_S = 0.005


@dataclass(frozen=True)
class KeeperFolders:
    """Every keeper directory of one installation."""

    root: Path
    gid: int

    def path(self, ref: str, node: str) -> Path:
        return self.root / checked(ref) / checked(node)

    def refs(self) -> set[str]:
        """Refs that have anything on disk."""
        with suppress(FileNotFoundError), os.scandir(self.root) as entries:
            return {e.name for e in entries if e.is_dir(follow_symlinks=False) and NAME.fullmatch(e.name)}
        return set()

    def nodes(self, ref: str) -> list[str]:
        """The nodes of ``ref`` that have a directory."""
        with suppress(FileNotFoundError), os.scandir(self.root / checked(ref)) as entries:
            return sorted(
                e.name for e in entries if e.is_dir(follow_symlinks=False) and NAME.fullmatch(e.name)
            )
        return []

    def remove(self, ref: str) -> None:
        """Nothing of ``ref`` is left on disk; links are removed, not followed."""
        with disk_errors():
            shutil.rmtree(self.root / checked(ref), ignore_errors=False, onerror=_unless_missing)

    def prepare(self, ref: str, node: str, uid: int, *, owner: tuple[int, int] | None = None) -> Path:
        """A fresh directory that the keeper, and for now only it, can make its socket in.

        ``owner`` is the keeper's uid and gid on the host where that is not ``uid``.
        """
        path = self.path(ref, node)
        with disk_errors():
            self._ensure_parents(ref)
            if path.is_symlink() or path.exists():
                shutil.rmtree(path)
            path.mkdir(mode=0o700)
            (path / PASSWD).write_text(
                f"learner:x:{uid}:{uid}:learner:/home/learner:/bin/bash\n"
                f"checker:x:{uid + 1}:{uid}:checker:/home/learner:/bin/sh\n"
            )
            (path / GROUP).write_text(f"learner:x:{uid}:\n")
            for name in (PASSWD, GROUP):
                (path / name).chmod(0o644)
            os.chown(path, *(owner or (uid, uid)))
        return path

    def take_over(self, ref: str, node: str, uid: int, *, from_root: bool = False) -> None:
        """The directory is root's and its socket out of the learner's reach. Raises DriverError for anything odd.

        ``from_root``: its learner is root there, so it becomes somebody's who is nobody in any node.
        """
        keeper = GUARD_UID if from_root else 0
        with disk_errors(), _opened(self.path(ref, node)) as folder:
            os.fchown(folder, keeper, 0)
            os.fchmod(folder, SECURED_MODE)
            found = set(os.listdir(folder))
            if found != {SOCKET, PASSWD, GROUP}:
                raise DriverError(f"The keeper's directory of {node} holds {', '.join(sorted(found))}.")
            for name in found:
                entry = os.stat(name, dir_fd=folder, follow_symlinks=False)
                wanted = stat.S_ISSOCK if name == SOCKET else stat.S_ISREG
                owners = {uid, keeper} if name == SOCKET else {0, keeper}
                if not wanted(entry.st_mode) or entry.st_uid not in owners or entry.st_nlink != 1:
                    raise DriverError(f"{name} in the keeper's directory of {node} is not what it should be.")
                if name != SOCKET:
                    os.chown(name, keeper, 0, dir_fd=folder, follow_symlinks=False)
            os.chown(SOCKET, keeper, self.gid, dir_fd=folder, follow_symlinks=False)
            os.chmod(SOCKET, 0o660, dir_fd=folder)

    def is_secured(self, ref: str, node: str) -> bool:
        try:
            with self.door(ref, node):
                return True
        except NodeGone:
            return False

    @contextmanager
    def door(self, ref: str, node: str) -> Iterator[str]:
        """A path to connect to, which no learner can have put there. Raises NodeGone when there is none."""
        try:
            with _opened(self.path(ref, node)) as folder:
                here = os.fstat(folder)
                entry = os.stat(SOCKET, dir_fd=folder, follow_symlinks=False)
                ours = here.st_uid in OURS and stat.S_IMODE(here.st_mode) == SECURED_MODE
                closed = entry.st_uid in OURS and not entry.st_mode & 0o007
                if not (ours and closed and stat.S_ISSOCK(entry.st_mode)):
                    raise NodeGone(f"{node} is not ready.")
                yield f"/proc/self/fd/{folder}/{SOCKET}"
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NodeGone(f"{node} is not there.") from error

    def say_go(self, ref: str, node: str, deadline: float) -> None:
        """The keeper may start learners' programs. Raises DriverBusy when it does not answer in time."""
        while True:
            try:
                with self.door(ref, node) as path:
                    _say_go(path)
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise DriverBusy(f"The keeper of {node} does not answer.") from error
                time.sleep(PAUSE_S)

    def has_socket(self, ref: str, node: str) -> bool:
        with suppress(FileNotFoundError):
            return stat.S_ISSOCK(os.lstat(self.path(ref, node) / SOCKET).st_mode)
        return False

    @contextmanager
    def one_at_a_time(self, ref: str) -> Iterator[None]:
        """No other worker of this host changes ``ref`` meanwhile. Raises DriverBusy after a minute's wait."""
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            handle = self._locked(ref, deadline)
            try:
                if self._guards(handle, ref):
                    yield
                    return
            finally:
                os.close(handle)

    def _guards(self, handle: int, ref: str) -> bool:
        """Whether the lock is on the directory there is: whoever held it before may have removed that one."""
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self.root / ref))
        except FileNotFoundError:
            return False

    def _locked(self, ref: str, deadline: float) -> int:
        with disk_errors():
            self._ensure_parents(ref)
            try:
                handle = os.open(self.root / ref, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            except FileNotFoundError:
                return self._locked(ref, deadline)
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(handle)
                    raise DriverBusy(f"Another worker is busy with {ref}.") from None
                time.sleep(PAUSE_S)
            else:
                return handle

    def _ensure_parents(self, ref: str) -> None:
        for path in (self.root, self.root / checked(ref)):
            if not path.is_dir():
                path.mkdir(mode=0o750, parents=True, exist_ok=True)
                os.chown(path, 0, self.gid)


@contextmanager
def disk_errors() -> Iterator[None]:
    """What the host's disk refuses leaves as a DriverError."""
    try:
        yield
    except PermissionError as error:
        raise DriverError(f"{error.strerror}: {error.filename}; the worker must run as root.") from error
    except OSError as error:
        raise DriverError(f"{error.strerror}: {error.filename}") from error


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)


def _say_go(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as keeper:
        keeper.settimeout(HANDSHAKE_S)
        keeper.connect(path)
        keeper.sendall(wire.pack(wire.Frame.GO))
        answer = b""
        while len(answer) < wire.HEADER.size:
            part = keeper.recv(wire.HEADER.size - len(answer))
            if not part:
                raise ConnectionResetError("the keeper hung up")
            answer += part
    if wire.header(answer)[0] is not wire.Frame.READY:
        raise DriverError("The keeper answered with something else.")


def _unless_missing(_function: object, _path: str, error: tuple[type, BaseException, object]) -> None:
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]
