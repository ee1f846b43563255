"""Ways into a node that the keeper hands over: the files program and the ports."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from labs.drivers.base import DriverBusy, DriverError, NodeGone, PortClosed
from labs.drivers.docker import openings, wire
from tests.drivers.conftest import Place, World, eventually

ECHO = """
python3 - <<'END' >/dev/null 2>&1 &
import socket
door = socket.create_server(("HOST", 7070))
while True:
    guest = door.accept()[0]
    while data := guest.recv(65536):
        guest.sendall(data)
    guest.close()
END
"""


def frames(*parts: bytes) -> bytes:
    return b"".join(struct.pack("!I", len(part)) + part for part in parts)


def answer(way: socket.socket) -> list[bytes]:
    """Everything the program says, frame by frame; one that refuses does not read on."""
    way.settimeout(20)
    said, found = b"", []
    with suppress(ConnectionResetError):
        while part := way.recv(65536):
            said += part
    while said:
        length = struct.unpack("!I", said[:4])[0]
        found.append(said[4 : 4 + length])
        said = said[4 + length :]
    return found


def test_a_file_is_written_and_read_by_the_program_inside(world: World):
    spec = world.sandbox()
    with world.driver.open_files(spec.ref, "node") as way:
        way.sendall(frames(b"write", b"hello.txt", b"", b"one ", b"two", b""))
        assert answer(way)[:3] == [b"go", b"ok", b""]
    with world.driver.open_files(spec.ref, "node") as way:
        way.sendall(frames(b"read", b"hello.txt", b"100"))
        assert answer(way)[:3] == [b"ok", b"one two", b""]


def test_a_file_half_sent_leaves_nothing_behind(world: World):
    spec = world.sandbox()
    with world.driver.open_files(spec.ref, "node") as way:
        way.sendall(frames(b"write", b"half.txt", b"", b"one "))
        way.shutdown(socket.SHUT_WR)
        assert answer(way) == [b"go"]
    with world.driver.open_files(spec.ref, "node") as way:
        way.sendall(frames(b"list", b"", b""))
        assert not [part for part in answer(way) if b"half" in part]


def test_nothing_opens_on_a_node_that_is_not_there_or_is_suspended(world: World):
    spec = world.sandbox()
    with pytest.raises(NodeGone):
        world.driver.open_files(spec.ref, "other")
    with pytest.raises(NodeGone):
        world.driver.open_port("nothing", "node", "10.214.0.2", 80)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openings, "ANSWER_WAIT_S", 0.5)
        world.driver.suspend(spec.ref)
        with pytest.raises(DriverBusy):
            world.driver.open_files(spec.ref, "node")
        world.driver.resume(spec.ref)


def test_a_port_nobody_listens_on_is_closed(world: World):
    spec = world.sandbox()
    with pytest.raises(PortClosed):
        world.driver.open_port(spec.ref, "node", spec.nodes[0].address, 9)


@contextmanager
def listening(place: Place, host: str) -> Iterator[None]:
    place.as_learner(ECHO.replace("HOST", host))
    eventually(lambda: place.as_learner("ss -ltn | grep -q :7070").exit_code == 0, "the echo listens")
    yield
    place.as_learner("pkill -f 'python3 -'")
    eventually(lambda: place.as_learner("ss -ltn | grep -q :7070").exit_code != 0, "the echo is gone")


@pytest.mark.docker
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "own"])
def test_a_port_of_the_node_answers_wherever_its_program_listens(place: Place, host: str):
    address = place.spec.nodes[0].address
    with listening(place, address if host == "own" else host):
        with place.driver.open_port(place.spec.ref, "node", address, 7070) as way:
            way.settimeout(20)
            data = bytes(range(256)) * 4096
            sender = threading.Thread(target=way.sendall, args=(data,))
            sender.start()
            got = bytearray()
            while len(got) < len(data):
                got += way.recv(65536)
            sender.join()
        assert got == data


@pytest.mark.docker
def test_no_way_leads_to_another_node_than_the_one_asked(place: Place):
    other = place.spec.nodes[1].address
    place.driver.run(
        place.spec.ref,
        "other",
        ECHO.replace("HOST", "0.0.0.0"),
        uid=place.spec.uid,
        gid=place.spec.uid,
        timeout_s=10,
    )
    reached = "python3 -c 'import socket; socket.create_connection((\"" + other + "\", 7070), 5)'"
    eventually(lambda: place.as_learner(reached).exit_code == 0, "the neighbour listens")
    with pytest.raises(PortClosed):
        place.driver.open_port(place.spec.ref, "node", other, 7070)


@pytest.mark.docker
@pytest.mark.parametrize(
    "wish",
    [b"", b"\x00", b"\x04", b"\x02x", b"\x03x", b"\x01", b"\x01" + bytes(7)],
    ids=["empty", "unknown", "beyond", "long files", "long way out", "short port", "long port"],
)
def test_a_wish_against_the_protocol_is_hung_up_on(place: Place, wish: bytes):
    with (
        place.driver.folders.door(place.spec.ref, "node") as path,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as keeper,
    ):
        keeper.settimeout(20)
        keeper.connect(path)
        keeper.sendall(wire.pack(wire.Frame.OPEN, wish))
        assert keeper.recv(1) == b""


@pytest.mark.docker
async def test_the_files_program_is_the_learners_and_leaves_no_zombie(place: Place):
    way = place.driver.open_files(place.spec.ref, "node")
    who = "ps -o uid=,stat= -C python3 | tr -s ' '"
    assert eventually(lambda: place.as_learner(who).output.strip(), "it runs").startswith(str(place.spec.uid))
    way.close()
    eventually(lambda: not place.as_learner(who).output.strip(), "it is gone and reaped")


def test_what_is_no_such_way_is_closed_and_refused():
    """A keeper taken over by its learner passes something else: nobody keeps it, nobody talks to it."""
    host, node = socket.socketpair()
    with host, node, open("/dev/null") as nothing:
        socket.send_fds(node, [wire.pack(wire.Frame.OPENED)], [nothing.fileno()])
        with pytest.raises(wire.BrokenFrame):
            openings._received(host, "node", 0, (socket.AF_INET, socket.SOCK_STREAM))
        socket.send_fds(node, [wire.pack(wire.Frame.OPENED)], [node.fileno()])
        with pytest.raises(wire.BrokenFrame):
            openings._received(host, "node", 0, (socket.AF_INET, socket.SOCK_STREAM))
        node.sendall(wire.pack(wire.Frame.FAILED, b"no process could be started"))
        with pytest.raises(DriverError):
            openings._received(host, "node", 1e8, (socket.AF_INET, socket.SOCK_STREAM))


def asked(place: Place, *parts: bytes) -> list[bytes]:
    with place.driver.open_files(place.spec.ref, "node") as way:
        way.sendall(frames(*parts))
        return answer(way)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ((b"read", b"/etc/shadow", b"10000"), b"denied"),
        ((b"read", b"/proc/1/environ", b"10000"), b"denied"),
        ((b"read", b"/dev/zero", b"10"), b"not_file"),
        ((b"write", b"/dev/null", b"*", b"x", b""), b"not_file"),
        ((b"write", b"/usr/lib/yunlian/files.py", b"*", b"x", b""), b"read_only"),
        ((b"write", b"/run/keeper/new", b"", b"x", b""), b"denied"),
        ((b"remove", b"/run/keeper/keeper.sock", b""), b"denied"),
        ((b"list", b"/root", b""), b"denied"),
    ],
    ids=lambda wish: wish[1].decode() if isinstance(wish, tuple) else "",
)
def test_the_kernel_decides_what_of_the_node_is_the_learners(
    place: Place, wish: tuple[bytes, ...], said: bytes
):
    assert asked(place, *wish)[0] == said


@pytest.mark.docker
def test_a_file_of_the_kernel_is_read_though_it_tells_no_size(place: Place):
    assert b"MemTotal" in asked(place, b"read", b"/proc/meminfo", b"100000")[1]


@pytest.mark.docker
def test_a_full_disk_keeps_what_was_there(place: Place):
    place.as_learner("echo old > ~/kept")
    assert filled(place) == b"full"
    assert place.as_learner("cat ~/kept; ls -A ~ | grep part || true").output == "old\n"


def filled(place: Place) -> bytes:
    """What the program answers to a file that is larger than the home."""
    with place.driver.open_files(place.spec.ref, "node") as way:
        with suppress(OSError):
            way.sendall(frames(b"write", b"kept", b"*"))
            for _part in range(400):
                way.sendall(frames(bytes(60_000)))
        said = answer(way)
        assert said[0] == b"go"
        return said[1]


@pytest.mark.docker
def test_files_come_to_the_node_as_the_learners_own(place: Place):
    assert asked(place, b"write", b"mine.sh", b"*", b"x", b"")[1] == b"ok"
    assert place.as_learner("stat -c '%u %a' ~/mine.sh").output == f"{place.spec.uid} 644\n"
