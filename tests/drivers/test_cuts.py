"""A viewer cut off a thousand times in the middle of a flood: not one byte lost or repeated, one shell, no orphan."""

import random
import re
import socket
import struct
from collections.abc import Iterator

import pytest

from labs.drivers.docker import wire
from tests.drivers.conftest import Place, Screen, docker_place
from tests.drivers.test_keeper import FLOOD_OVER, flood, flooded

pytestmark = pytest.mark.docker

CUTS = 1000
MOST_AT_ONCE = 3000
LINES = 60_000


@pytest.fixture
def node(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with docker_place(tmp_path_factory.mktemp("keepers"), memory_mib=96) as made:
        yield made


def seen_before_the_cut(path: str, wish: bytes, offset: int, most: int) -> bytes:
    """What a viewer who resumed at ``offset`` was shown when its connection broke after ``most`` bytes of any kind."""
    received = b""
    with socket.socket(socket.AF_UNIX) as viewer:
        viewer.settimeout(20)
        viewer.connect(path)
        viewer.sendall(wish)
        while len(received) < most:
            part = viewer.recv(most - len(received))
            assert part, "the keeper hung up"
            received += part
    shown, end = b"", offset
    while len(received) >= wire.HEADER.size:
        frame, length = wire.header(received[: wire.HEADER.size])
        body, received = received[wire.HEADER.size :][:length], received[wire.HEADER.size + length :]
        if frame is wire.Frame.HELLO and len(body) == length:
            hello = wire.event(frame, body)
            assert (hello.offset, hello.gap) == (offset, 0)  # type: ignore[union-attr]
        elif frame is wire.Frame.OUTPUT and len(body) > wire.OFFSET_BODY.size:
            assert struct.unpack_from("!Q", body) == (end,), "a byte was lost or repeated"
            shown += body[wire.OFFSET_BODY.size :]
            end = offset + len(shown)
        assert frame is not wire.Frame.GAP
    return shown


async def test_over_a_thousand_cuts_in_a_flood_no_byte_is_lost_or_repeated(node: Place):
    chance = random.Random(1000)
    async with node.attached() as terminal:
        screen = Screen(terminal)
        await screen.until(b"$")
        await terminal.write(b"echo sh''ell $$\r")
        await screen.until(b"shell ")
        await terminal.write(flood(LINES))
        # What was typed is in the node's hands only when something of it is seen.
        await screen.until(b"0  0\r\n")
    whole = bytes(screen.data)
    with node.driver.folders.door(node.spec.ref, "node") as path:
        for _cut in range(CUTS):
            wish = chance.choice([wire.attach(1, len(whole), 80, 24), wire.watch(1, len(whole))])
            whole += seen_before_the_cut(path, wish, len(whole), chance.randrange(1, MOST_AT_ONCE))
    assert FLOOD_OVER not in whole, "every cut was in the middle of the flood"
    async with node.attached(offset=len(whole)) as terminal:
        rest = Screen(terminal)
        await rest.until(FLOOD_OVER)
        await terminal.write(b"echo sh''ell $$\r")
        await rest.until(b"shell ")
        await rest.quiet()
    whole += bytes(rest.data)
    assert whole[whole.index(b"0  0\r\n") :].startswith(flooded(LINES))
    shells = re.findall(rb"shell (\d+)\r\n", whole)
    assert len(shells) == 2
    assert shells[0] == shells[1]
    running = node.as_learner("ps -eo comm=").output.split()
    assert sorted(name for name in running if name not in {"ps", "sh", "runner"}) == ["bash", "keeper"]
