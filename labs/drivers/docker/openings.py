"""Ways into and out of a node that its keeper opens and hands over: a port's connection, the talk with the files program,
the socket on which the node's programs ask for the way out.

The keeper is asked over its socket and passes a descriptor back; from then on nobody stands between. What comes over
such a way was written inside the node and is believed in nothing.
"""

import os
import select
import socket
import time
from contextlib import ExitStack, suppress
from ipaddress import IPv4Address

from labs.drivers.base import DriverBusy, DriverError, NodeGone, PortClosed, WayOut
from labs.drivers.docker import wire
from labs.drivers.docker.keepers import KeeperFolders

ANSWER_WAIT_S = 5.0
CONNECT_WAIT_S = 5.0
LOOPBACK = "127.0.0.1"


def open_files(folders: KeeperFolders, ref: str, node: str) -> socket.socket:
    """Both standard streams of a fresh files program. Raises NodeGone, DriverBusy or DriverError."""
    return _opened(folders, ref, node, wire.open_files(), (socket.AF_UNIX, socket.SOCK_STREAM))


def open_port(folders: KeeperFolders, ref: str, node: str, address: str, port: int) -> socket.socket:
    """Connected to the port of the node, on its loopback or else its own address. Raises PortClosed when none listens."""
    last: DriverError | None = None
    for place in (LOOPBACK, address):
        wish = wire.open_port(IPv4Address(place).packed, port)
        way = _opened(folders, ref, node, wish, (socket.AF_INET, socket.SOCK_STREAM))
        try:
            _await_connected(way, port)
        except PortClosed as error:
            way.close()
            last = error
        else:
            return way
    raise last or PortClosed(f"Nothing listens on port {port}.")


def open_egress(folders: KeeperFolders, ref: str, node: str) -> WayOut:
    """The node's listening socket. Raises NodeGone, DriverBusy or DriverError."""
    door, life = _asked(folders, ref, node, wire.open_egress(), (socket.AF_INET, socket.SOCK_STREAM))
    door.setblocking(False)
    life.setblocking(False)
    return WayOut(door, life)


def _await_connected(way: socket.socket, port: int) -> None:
    _read, ready, _error = select.select([], [way], [], CONNECT_WAIT_S)
    problem = way.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if ready else -1
    if problem:
        raise PortClosed(f"Nothing listens on port {port}.")


def _opened(folders: KeeperFolders, ref: str, node: str, wish: bytes, kind: tuple[int, int]) -> socket.socket:
    way, keeper = _asked(folders, ref, node, wish, kind)
    keeper.close()
    return way


def _asked(
    folders: KeeperFolders, ref: str, node: str, wish: bytes, kind: tuple[int, int]
) -> tuple[socket.socket, socket.socket]:
    """What the keeper handed over, and the connection to the keeper."""
    deadline = time.monotonic() + ANSWER_WAIT_S
    try:
        with ExitStack() as kept:
            keeper = kept.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            keeper.settimeout(ANSWER_WAIT_S)
            with folders.door(ref, node) as path:
                keeper.connect(path)
            keeper.sendall(wish)
            way = _received(keeper, node, deadline, kind)
            kept.pop_all()
            return way, keeper
    except TimeoutError as error:
        raise DriverBusy(f"{node} does not answer; it may be suspended.") from error
    except OSError as error:
        raise NodeGone(f"{node} is not running.") from error
    except wire.BrokenFrame as error:
        raise DriverError(f"The keeper of {node} sent {error}.") from error


def _received(keeper: socket.socket, node: str, deadline: float, kind: tuple[int, int]) -> socket.socket:
    """The socket that came with OPENED, if it is of the kind asked for."""
    head, handles, _flags, _from = socket.recv_fds(keeper, wire.HEADER.size, 4)
    ways = [socket.socket(fileno=handle) for handle in handles if _is_socket(handle)]
    try:
        while len(head) < wire.HEADER.size:
            head += _more(keeper, wire.HEADER.size - len(head), deadline)
        frame, length = wire.header(head)
        if frame is wire.Frame.FAILED:
            reason = wire.event(frame, _exactly(keeper, length, deadline))
            raise _refusal(node, reason)
        if frame is not wire.Frame.OPENED or length or len(ways) != 1:
            raise wire.BrokenFrame("no way in")
        if (ways[0].family, ways[0].type & 0xF) != kind:
            raise wire.BrokenFrame("another kind of socket")
        return ways.pop()
    finally:
        for way in ways:
            way.close()


def _refusal(node: str, said: object) -> DriverError:
    reason = said.reason if isinstance(said, wire.Failed) else ""
    if "listens" in reason:
        return PortClosed(f"{node}: {reason}.")
    if "way out" in reason:
        return DriverError(f"{node}: {reason}.")
    return DriverBusy(f"{node}: {reason}.")


def _is_socket(handle: int) -> bool:
    """Anything else is closed at once."""
    with suppress(OSError), socket.socket(fileno=os.dup(handle)) as probe:
        probe.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
        return True
    os.close(handle)
    return False


def _exactly(keeper: socket.socket, length: int, deadline: float) -> bytes:
    data = b""
    while len(data) < length:
        data += _more(keeper, length - len(data), deadline)
    return data


def _more(keeper: socket.socket, length: int, deadline: float) -> bytes:
    keeper.settimeout(max(0.01, deadline - time.monotonic()))
    part = keeper.recv(length)
    if not part:
        raise ConnectionResetError("the keeper hung up")
    return part
