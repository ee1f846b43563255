"""The keeper on the real engine: not one byte lost or repeated, and every viewer bounded."""

import asyncio
import random
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from labs.drivers.base import RING_BYTES, WINDOW_BYTES, DriverError, Exited, Gap, NodeGone, Output
from labs.drivers.docker import wire
from labs.drivers.docker.engine import api
from tests.drivers.conftest import Place, Screen, docker_place, eventually

pytestmark = pytest.mark.docker

STAND_S = 1
# Prints COUNT numbered lines of ASCII, CJK and emoji, so that any byte lost, repeated or moved shows.
FLOOD = "python3 -c 'for n in range(COUNT): print(n, \"云联 lab 🙂 磨\" * (n % 5), n)'; echo fl''ood over\r"
FLOOD_OVER = b"flood over\r\n"


@pytest.fixture(scope="module")
def node(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One node whose terminals these tests share, each its own; a full ring stands one second."""
    folder = tmp_path_factory.mktemp("keepers")
    with docker_place(folder, memory_mib=96, options={"stand_s": str(STAND_S)}) as made:
        yield made


@pytest.fixture
def ready(node: Place) -> Place:
    """The node anew: every terminal fresh."""
    node.driver.restart(node.spec, "node")
    return node


def flood(count: int) -> bytes:
    return FLOOD.replace("COUNT", str(count)).encode()


def flooded(count: int) -> bytes:
    lines = (f"{n} {'云联 lab 🙂 磨' * (n % 5)} {n}\r\n" for n in range(count))
    return "".join(lines).encode() + FLOOD_OVER


async def test_over_random_cuts_no_byte_is_lost_or_repeated(ready: Place):
    chance = random.Random(20)
    count = 20_000
    async with ready.attached() as terminal:
        await terminal.write(flood(count))
    whole = bytearray()
    while FLOOD_OVER not in whole:
        async with ready.attached(offset=len(whole)) as terminal:
            assert (terminal.hello.offset, terminal.hello.gap) == (len(whole), 0)
            patience = chance.randrange(1, 30)
            screen = Screen(terminal)
            while patience and FLOOD_OVER not in whole + screen.data:
                await screen.take()
                patience -= 1
            # Whatever was sent and not shown is asked for again.
            whole += screen.data[: chance.randrange(len(screen.data) + 1)] if patience == 0 else screen.data
    assert whole[whole.index(b"0  0\r\n") :].startswith(flooded(count))


async def test_every_output_frame_is_at_most_a_chunk(ready: Place):
    async with ready.attached() as terminal:
        screen = Screen(terminal)
        await terminal.write(flood(5000))
        await screen.until(FLOOD_OVER)
    assert max(len(event.data) for event in screen.events if isinstance(event, Output)) <= 16 * 1024


async def test_with_nobody_attached_a_full_ring_stands(place: Place):
    async with place.attached(6) as terminal:
        screen = Screen(terminal)
        await screen.until(b"$")
        left_at = screen.end
        await terminal.write(b"seq 1 800000\r")
    await asyncio.to_thread(eventually, lambda: writing_is_blocked(place), "the ring is full")
    async with place.attached(6, offset=left_at) as terminal:
        assert (terminal.hello.offset, terminal.hello.gap) == (left_at, 0)
        screen = Screen(terminal)
        while len(screen.data) < RING_BYTES + WINDOW_BYTES:
            await screen.take()
        await terminal.write(b"\x03")
        await screen.until(b"^C")
        await screen.until(b"$")
    numbers = screen.data[screen.data.index(b"1\r\n2\r\n3\r\n") :][:RING_BYTES].split(b"\r\n")[:-1]
    assert numbers == [str(n).encode() for n in range(1, len(numbers) + 1)]


async def test_a_ring_that_stood_long_enough_is_overwritten_and_the_gap_told_exactly(ready: Place):
    async with ready.attached() as terminal:
        screen = Screen(terminal)
        await screen.until(b"$")
        await terminal.write(b"seq 1 500000\r")
    await asyncio.to_thread(eventually, lambda: not processes(ready, "seq"), "seq came to its end")
    async with ready.attached(offset=screen.end) as terminal:
        again = Screen(terminal)
        assert terminal.hello.gap == terminal.hello.offset - screen.end > 0
        await again.until(b"\n500000\r\n")
        assert RING_BYTES - 16 * 1024 <= len(again.data) < RING_BYTES + 100


def processes(place: Place, name: str) -> str:
    return place.as_learner(f"pgrep -x {name} || true").output.strip()


def writing_is_blocked(place: Place) -> bool:
    """seq sleeps, and has not run in the meantime: its terminal takes no more."""
    sample = "cut -d' ' -f3,14,15 /proc/$(pgrep -x seq)/stat; sleep 0.05"
    seen = place.as_learner(f"for i in 1 2 3 4 5; do {sample}; done | sort -u").output.splitlines()
    return len(seen) == 1 and seen[0].startswith("S")


async def test_the_controlling_viewer_sets_the_pace_and_others_are_told_what_they_missed(ready: Place):
    async with ready.attached() as slow, ready.attached() as typist:
        lagging = Screen(slow, acking=False)
        screen = Screen(typist)
        await typist.write(b"seq 1 600000\r")
        await screen.until(b"\n600000\r\n")
        assert not any(isinstance(event, Gap) for event in screen.events), "the typist misses nothing"
        await lagging.quiet()
        assert len(lagging.data) == WINDOW_BYTES
        assert not any(isinstance(event, Gap) for event in lagging.events)
        lagging.acking = True
        await slow.ack(lagging.end)
        await lagging.until(b"\n600000\r\n")
        gap = next(event for event in lagging.events if isinstance(event, Gap))
        assert gap.missed > RING_BYTES - WINDOW_BYTES
        await screen.quiet()
        assert lagging.data.endswith(screen.data[-1000:])


async def test_a_viewer_that_starts_typing_takes_control(ready: Place):
    async with ready.attached() as first, ready.attached() as second:
        stalled = Screen(first, acking=False)
        screen = Screen(second)
        await first.write(b"seq 1 300000\r")
        await stalled.quiet()
        await screen.quiet()
        assert b"\n300000\r\n" not in screen.data, "the first viewer holds the output back"
        await second.write(b"\r")
        await screen.until(b"\n300000\r\n")


async def test_when_the_controlling_viewer_leaves_the_others_go_on(ready: Place):
    async with ready.attached() as second:
        async with ready.attached() as first:
            stalled = Screen(first, acking=False)
            await first.write(b"seq 1 300000\r")
            await stalled.quiet()
        await Screen(second).until(b"\n300000\r\n")


async def test_a_megabyte_pasted_arrives_whole(ready: Place):
    pasted = "".join(f"{n} 粘贴\n" for n in range(40_000)).encode()
    async with ready.attached() as terminal:
        screen = Screen(terminal)
        await screen.until(b"$")
        await terminal.write(b"stty -echo; echo re''ady; head -c %d | sha256sum\r" % len(pasted))
        await screen.until(b"ready\r\n")
        for at in range(0, len(pasted), 50_000):
            await terminal.write(pasted[at : at + 50_000])
        shown = await screen.until(b"  -\r\n")
    expected = await asyncio.to_thread(
        ready.as_learner, "python3 -c 'for n in range(40000): print(n, \"粘贴\")' | sha256sum"
    )
    assert expected.output.split()[0].encode() in shown


async def test_an_exit_is_told_after_the_last_byte(ready: Place):
    async with ready.attached() as terminal:
        screen = Screen(terminal)
        await screen.until(b"$")
        await terminal.write(b"seq 1 50000; exit 7\r")
        assert await screen.until_event(Exited) == Exited(7)
        assert b"\n50000\r\n" in screen.data


async def test_a_shell_killed_by_a_signal_tells_it_as_shells_do(ready: Place):
    async with ready.attached() as terminal:
        screen = Screen(terminal)
        await terminal.write(b"kill -KILL $$\r")
        assert await screen.until_event(Exited) == Exited(137)


async def test_background_programs_do_not_keep_an_ended_terminal(ready: Place):
    async with ready.attached() as terminal:
        screen = Screen(terminal)
        await terminal.write(b"(trap '' HUP; sleep 1000) & sleep 0.1; exit 5\r")
        assert await screen.until_event(Exited) == Exited(5)


async def test_the_first_tab_completes_though_a_shell_has_read_no_completions_before(ready: Place):
    async with ready.attached() as terminal:
        screen = Screen(terminal)
        await screen.until(b"$")
        await terminal.write(b"declare -F _completion_loader || echo not y''et\r")
        await screen.until(b"not yet\r\n")
        await terminal.write(b"head --zero-t\t")
        await screen.until(b"--zero-terminated")
        await terminal.write(b"\x15declare -F _completion_loader && echo rea''d\r")
        await screen.until(b"read\r\n")


def test_orphans_are_reaped(ready: Place):
    ready.as_learner("for i in 1 2 3 4 5; do (sleep 0.1 &) ; done")
    eventually(
        lambda: (
            "defunct" not in ready.as_learner("ps -eo comm,stat").output and not processes(ready, "sleep")
        ),
        "no zombie is left",
    )


def test_a_shell_has_no_signal_blocked_and_a_session_of_its_own(ready: Place):
    async def ask() -> bytes:
        async with ready.attached() as terminal:
            screen = Screen(terminal)
            await screen.until(b"$")
            await terminal.write(
                b"command grep -E 'Sig(Blk|Ign)' /proc/self/status; ps -o sid=,pid= $$; tty; echo do''ne\r"
            )
            return await screen.until(b"done\r\n")

    shown = asyncio.run(ask()).decode()
    assert "SigBlk:\t0000000000000000" in shown
    assert "SigIgn:\t0000000000000000" in shown
    assert "/dev/pts/" in shown
    session, shell = next(
        line.split() for line in shown.splitlines() if line.strip().replace(" ", "").isdigit()
    )
    assert session == shell


@pytest.fixture
def door(node: Place) -> Iterator[socket.socket]:
    """A connection of our own to the keeper, to say what no driver would."""
    with node.driver.folders.door(node.spec.ref, "node") as path, socket.socket(socket.AF_UNIX) as connected:
        connected.connect(path)
        connected.settimeout(5)
        yield connected


@pytest.mark.parametrize(
    "said",
    [
        wire.HEADER.pack(wire.Frame.INPUT, 2**31),
        wire.HEADER.pack(wire.Frame.INPUT, wire.INPUT_BYTES + 1),
        wire.pack(wire.Frame.INPUT, b"before attaching"),
        wire.pack(wire.Frame.ACK, b"\0" * 8),
        wire.pack(wire.Frame.ATTACH, b"short"),
        wire.pack(wire.Frame.RESIZE, b"\0\0\0\0"),
        wire.HEADER.pack(0xEE, 0),
        wire.attach(1, 0, 80, 24) + wire.pack(wire.Frame.INPUT, b"x" * wire.INPUT_BYTES) * 64,
        wire.attach(1, 0, 80, 24) + wire.resize(0, 0),
        wire.pack(wire.Frame.WATCH, b"short"),
        wire.watch(1, 0) + wire.pack(wire.Frame.INPUT, b"typed"),
        wire.watch(1, 0) + wire.resize(80, 24),
    ],
    ids=[
        "huge",
        "long",
        "input",
        "ack",
        "short",
        "resize",
        "unknown",
        "greedy",
        "no-size",
        "short-watch",
        "typing-watch",
        "sizing-watch",
    ],
)
def test_a_client_against_the_protocol_is_hung_up_on(node: Place, door: socket.socket, said: bytes):
    with suppress(ConnectionResetError, BrokenPipeError):
        door.sendall(said)
        while door.recv(65536):
            pass
    assert node.as_learner("echo alive").output == "alive\n"


@pytest.mark.parametrize("terminal", [0, 9, 255])
def test_there_are_eight_terminals(node: Place, door: socket.socket, terminal: int):
    door.sendall(wire.attach(terminal, 0, 80, 24))
    frame, length = wire.header(door.recv(wire.HEADER.size))
    assert frame is wire.Frame.FAILED
    assert wire.event(frame, door.recv(length)) == wire.Failed("no such terminal")
    assert door.recv(1) == b""


def test_clients_beyond_the_last_place_are_turned_away(node: Place):
    with node.driver.folders.door(node.spec.ref, "node") as path:
        crowd = [socket.socket(socket.AF_UNIX) for _ in range(40)]
        try:
            for client in crowd:
                client.connect(path)
            crowd[-1].settimeout(5)
            assert crowd[-1].recv(1) == b""
        finally:
            for client in crowd:
                client.close()

    async def attach() -> bool:
        try:
            async with node.attached():
                return True
        except DriverError:
            return False  # the keeper has not seen all of the crowd leave yet

    eventually(lambda: asyncio.run(attach()), "a place for a newcomer")


def resident_kib(place: Place) -> int:
    """Memory the keeper holds."""
    status = Path(f"/proc/{place.pid_1()}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def test_the_keeper_costs_less_than_two_megabytes(ready: Place):
    async def look() -> int:
        async with ready.attached() as terminal:
            await Screen(terminal).until(b"$")
            return resident_kib(ready)

    assert asyncio.run(look()) < 2 * 1024


async def test_viewers_that_never_read_cost_no_memory(ready: Place):
    async with ready.attached() as typist:
        screen = Screen(typist)
        viewers = [await ready.driver.attach(ready.spec.ref, "node", 1, offset=0) for _ in range(10)]
        await typist.write(b"seq 1 500000\r")
        await screen.until(b"\n500000\r\n")
        resident = resident_kib(ready)
        for viewer in viewers:
            await viewer.close()
    assert resident < 2 * 1024 + RING_BYTES // 1024


async def test_a_stop_frame_ends_the_node(ready: Place):
    async with ready.attached() as terminal:
        with (
            ready.driver.folders.door(ready.spec.ref, "node") as path,
            socket.socket(socket.AF_UNIX) as connected,
        ):
            connected.connect(path)
            connected.sendall(wire.pack(wire.Frame.STOP))
        with pytest.raises(NodeGone):
            await Screen(terminal).until(b"never said")
    eventually(lambda: not ready.driver.health(ready.spec.ref).ok, "the engine has noticed")
    ready.driver.create(ready.spec)


def test_a_stop_of_the_engine_is_obeyed_at_once(ready: Place):
    ready.as_learner("setsid sleep 1000 >/dev/null 2>&1 &")
    api().stop(ready.container(), timeout=60)
    assert api().inspect_container(ready.container())["State"]["ExitCode"] == 0
    ready.driver.create(ready.spec)


async def test_a_keeper_that_died_is_told_apart_from_a_slow_one(ready: Place):
    api().kill(ready.container())
    with pytest.raises(NodeGone):
        await ready.driver.attach(ready.spec.ref, "node", 1, offset=0)
    health = ready.driver.health(ready.spec.ref)
    assert "exited (137)" in health.nodes["node"].detail
    ready.driver.create(ready.spec)
    assert ready.driver.health(ready.spec.ref).ok


async def test_a_node_without_room_for_a_shell_says_so(ready: Place):
    ready.as_learner("for i in $(seq 200); do setsid sleep 1000 >/dev/null 2>&1 & done", timeout_s=5)

    async def open_every_terminal() -> None:
        for terminal in range(1, 9):
            async with ready.attached(terminal):
                pass

    with pytest.raises(DriverError, match="no process could be started"):
        await open_every_terminal()


def test_numbers_of_the_wire_are_what_the_document_says():
    document = (Path(__file__).parents[2] / "docs" / "keeper-protocol.md").read_text()
    for frame in wire.Frame:
        assert f"| `{frame.name}` | `0x{frame.value:02x}` |" in document
    assert struct.calcsize(wire.HEADER.format) == 5
