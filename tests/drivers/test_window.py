"""How much a keeper sends ahead: little to whoever acknowledges at once, enough for whoever is far, never too much."""

import array
import fcntl
import socket
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from labs.drivers.base import WINDOW_BYTES, Hello, Output
from labs.drivers.docker import wire
from tests.drivers.conftest import DEADLINE_S, Place, docker_place, eventually

pytestmark = pytest.mark.docker

FIRST_WINDOW_BYTES = 32 * 1024
FLOOD = b"yes\r"


@pytest.fixture(scope="module")
def node(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with docker_place(tmp_path_factory.mktemp("keepers"), memory_mib=96) as made:
        yield made


class Viewer:
    """A client of the keeper that reads and acknowledges when it is told to, and not before."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.part = b""
        self.end = self.acked = 0

    @property
    def unacknowledged(self) -> int:
        return self.end - self.acked

    def type(self, data: bytes) -> None:
        self.socket.sendall(wire.pack(wire.Frame.INPUT, data))

    def acknowledge(self) -> None:
        self.acked = self.end
        self.socket.sendall(wire.ack(self.end))

    def read(self) -> None:
        """What has come, at least a byte."""
        data = self.part + self.socket.recv(64 * 1024)
        at = 0
        while len(data) - at >= wire.HEADER.size:
            frame, length = wire.header(data[at : at + wire.HEADER.size])
            body = data[at + wire.HEADER.size : at + wire.HEADER.size + length]
            if len(body) < length:
                break
            at += wire.HEADER.size + length
            match wire.event(frame, body):
                case Hello(offset=offset):
                    self.end = self.acked = offset
                case Output(offset=offset, data=output):
                    assert offset == self.end, "a byte was lost or repeated"
                    self.end += len(output)
        self.part = data[at:]
        assert self.unacknowledged <= WINDOW_BYTES

    def read_until(self, offset: int) -> None:
        while self.end < offset:
            self.read()

    def waiting_bytes(self) -> int:
        """How much lies in the socket when no more comes."""
        waiting, before = array.array("i", [0]), -1
        while waiting[0] != before:
            before = waiting[0]
            time.sleep(0.1)
            fcntl.ioctl(self.socket, termios.FIONREAD, waiting)
        return before


@contextmanager
def viewing(place: Place, terminal: int) -> Iterator[Viewer]:
    """A viewer of a terminal that floods."""
    with (
        place.driver.folders.door(place.spec.ref, "node") as path,
        socket.socket(socket.AF_UNIX) as connected,
    ):
        connected.settimeout(DEADLINE_S)
        connected.connect(path)
        connected.sendall(wire.attach(terminal, 0, 80, 24))
        viewer = Viewer(connected)
        viewer.type(FLOOD)
        yield viewer
        viewer.type(b"\x03")


def test_a_viewer_that_does_not_read_is_sent_no_more_than_the_first_window(node: Place):
    with viewing(node, 1) as viewer:
        eventually(lambda: viewer.waiting_bytes() >= FIRST_WINDOW_BYTES, "the window is full")
        waiting = viewer.waiting_bytes()
        viewer.read_until(FIRST_WINDOW_BYTES)
    assert waiting < FIRST_WINDOW_BYTES * 1.2, "frames and their headers"


def test_a_viewer_that_reads_and_is_long_in_acknowledging_is_sent_ever_more_up_to_the_largest_window(
    node: Place,
):
    with viewing(node, 2) as viewer:
        viewer.read_until(WINDOW_BYTES)
        assert viewer.waiting_bytes() == 0


def test_a_window_that_has_grown_shrinks_again_for_a_viewer_that_acknowledges_at_once(node: Place):
    with viewing(node, 3) as viewer:
        viewer.read_until(WINDOW_BYTES)
        viewer.acknowledge()

        def lies_little_ahead() -> bool:
            for _turn in range(100):
                viewer.read()
                viewer.acknowledge()
            waiting = viewer.waiting_bytes()
            viewer.read_until(viewer.end + 1)
            viewer.acknowledge()
            return FIRST_WINDOW_BYTES / 2 <= waiting < FIRST_WINDOW_BYTES * 1.2

        eventually(lies_little_ahead, "no more than the first window lies ahead")


@pytest.mark.parametrize("stride", [1, FIRST_WINDOW_BYTES + 1, WINDOW_BYTES], ids=["often", "late", "latest"])
def test_output_flows_on_however_much_an_acknowledgement_covers(node: Place, stride: int):
    with viewing(node, 4) as viewer:
        viewer.read()
        start = viewer.end
        while viewer.end - start < 8 * WINDOW_BYTES:
            viewer.read_until(viewer.acked + stride)
            viewer.acknowledge()
