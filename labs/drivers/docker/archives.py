"""A home as a stream of tar, made and unpacked inside the node as its learner: nothing of it is ever unpacked outside."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO

from labs.drivers.base import DriverError, HomeTooLarge
from labs.drivers.docker.engine import api, engine_errors
from labs.drivers.docker.scripts import STDERR, STDOUT, create_exec, frame

GRACE_S = 5
PIECE = 64 * 1024
COMPLAINT_BYTES = 4096
# Exit code 1 of tar: a file changed while it was read, as files do.
CHANGED = 1
PACK = (
    '{{ cd "$HOME" && timeout -k 5 {limit_s} tar --create --sparse --one-file-system --ignore-failed-read'
    ' --warning=no-file-changed --file=- . 2>/dev/null; echo "tar=$?" >&2; }} | head -c {most}'
)
UNPACK = (
    'cd "$HOME" && exec timeout -k 5 {limit_s} tar --extract --preserve-permissions --no-same-owner'
    " --delay-directory-restore --file=-"
)


def pack(container: str, into: IO[bytes], *, uid: int, limit_bytes: int, timeout_s: int) -> int:
    """The learner's home is in ``into``; says how many bytes that is.

    Raises NodeGone, DriverBusy when the node is suspended, HomeTooLarge beyond ``limit_bytes``, DriverError.
    """
    script = PACK.format(limit_s=timeout_s, most=limit_bytes + 1)
    size, complaint = 0, bytearray()
    with _talk(container, script, uid, timeout_s, stdin=False) as stream:
        for kind, data in _frames(stream, timeout_s):
            if kind == STDOUT:
                size += len(data)
                into.write(data)
            elif kind == STDERR:
                complaint += data[: COMPLAINT_BYTES - len(complaint)]
    if size > limit_bytes:
        raise HomeTooLarge(limit_bytes)
    code = complaint.decode(errors="replace").rpartition("tar=")[2].strip()
    if not code.isdigit() or int(code) > CHANGED:
        raise DriverError(f"The files could not be read: {complaint.decode(errors='replace').strip()}")
    return size


def unpack(container: str, source: IO[bytes], *, uid: int, timeout_s: int) -> None:
    """What ``source`` holds is in the learner's home, over what was there. Raises as ``pack`` does."""
    complaint = bytearray()
    script = UNPACK.format(limit_s=timeout_s)
    with _talk(container, script, uid, timeout_s, stdin=True) as stream:
        try:
            while piece := source.read(PIECE):
                stream.sendall(piece)
            stream.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            # It ended early; what it says of that follows.
            pass
        for _kind, data in _frames(stream, timeout_s):
            complaint += data[: COMPLAINT_BYTES - len(complaint)]
    if complaint:
        raise DriverError(f"The files could not be put back: {complaint.decode(errors='replace').strip()}")


@contextmanager
def _talk(container: str, script: str, uid: int, timeout_s: int, *, stdin: bool) -> Iterator[socket.socket]:
    created = create_exec(container, ["/bin/sh", "-c", script], uid=uid, gid=uid, stdin=stdin, more={})
    with engine_errors():
        started = api().exec_start(created, socket=True)
        with closing(started._response):
            stream: socket.socket = started._sock
            stream.settimeout(timeout_s + GRACE_S)
            try:
                yield stream
            except TimeoutError as error:
                raise DriverError(f"{container} took longer than {timeout_s} s over its files.") from error


def _frames(stream: socket.socket, timeout_s: int) -> Iterator[tuple[int, bytes]]:
    deadline = time.monotonic() + timeout_s + GRACE_S
    while (found := frame(stream, deadline)) is not None:
        yield found
