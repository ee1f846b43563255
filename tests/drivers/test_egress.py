"""The way out of a node on the real engine: what the list lets pass, what nothing lets pass, and that all is written down."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from labs.allowlist import parse
from labs.drivers.base import DriverError, RunResult
from labs.egress.addresses import NoSuchName, is_public
from labs.egress.outlet import Leave, Limits, Outlet
from labs.egress.outlet import Place as Outward
from labs.egress.proxy import Entered, World
from labs.models.egress import Verdict
from tests.drivers.conftest import DEADLINE_S, Place, docker_place, docker_world
from tests.drivers.conftest import World as Engine

pytestmark = pytest.mark.docker

PUBLIC = "203.0.113.7"
NAMES = {
    "listed.example.org": [PUBLIC],
    "deep.below.example.net": [PUBLIC],
    "other.example.org": [PUBLIC],
    "metadata.example.net": ["169.254.169.254"],
    "mixed.example.net": [PUBLIC, "10.0.0.8"],
    "silent.example.net": [PUBLIC],
}
SILENT = 9


@dataclass
class Outside:
    """A server on this host that stands for the public network, and a resolver that tells of it alone."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if self.answers.get(host):
            return self.answers[host].pop(0)
        if host not in NAMES:
            raise NoSuchName(host)
        return NAMES[host]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self.answer(reader, writer)
        except asyncio.IncompleteReadError:
            self.bodies.append(b"broken off")
        finally:
            writer.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
        self.bodies.append(head + body)
        said = head.split(b" ")[1] + b" " + body
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(said), said)
        )
        await writer.drain()


@dataclass
class Book:
    """A ledger in memory."""

    rows: dict[object, Entered] = field(default_factory=dict)

    async def enter(self, entered: Entered) -> None:
        self.rows[entered.id] = entered

    @property
    def verdicts(self) -> list[tuple[str, Verdict]]:
        return [(row.host, row.verdict) for row in self.rows.values()]


@pytest.fixture(scope="module")
def node(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with docker_place(tmp_path_factory.mktemp("keepers"), egress=True) as made:
        yield made


@dataclass
class Way:
    place: Place
    outside: Outside
    book: Book
    outlet: Outlet

    async def run(self, script: str) -> RunResult:
        return await asyncio.to_thread(self.place.as_learner, script)

    async def fetch(self, address: str, *options: str) -> str:
        """What curl says of the address: the body, then the status, then the proxy's status."""
        words = " ".join(options)
        told = "--write-out ' %{http_code} %{http_connect}'"
        return (await self.run(f"curl -sS -m 15 {words} {told} '{address}' 2>&1")).output.strip()


@asynccontextmanager
async def way_out(
    place: Place, *entries: str, limits: Limits | None = None, left: int = 10**9
) -> AsyncIterator[Way]:
    """The node's door is attended, and every public address is the server on this host."""
    outside, book = Outside(), Book()
    server = await asyncio.start_server(outside.serve, "127.0.0.1", 0)
    outside.port = server.sockets[0].getsockname()[1]
    connect = asyncio.open_connection

    async def connected(host: str = "", port: int = 0, **more: object) -> object:
        if host == PUBLIC:
            host, port = "127.0.0.1", SILENT if port == SILENT else outside.port
        return await connect(host, port, **more) if host else await connect(**more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("labs.egress.proxy.asyncio.open_connection", connected)
        world = World(outside.resolve, lambda address: address == PUBLIC or is_public(address))
        outlet = Outlet(place.driver, book, world=world, limits=limits)
        outlet.follow({Outward("session", place.spec.ref, "node"): Leave(parse(entries), left)})
        try:
            yield Way(place, outside, book, outlet)
        finally:
            await outlet.close()
            server.close()
            await server.wait_closed()


async def test_a_node_that_did_not_ask_has_no_way_out(place: Place):
    with pytest.raises(DriverError, match="no way out"):
        place.driver.open_egress(place.spec.ref, "node")
    assert place.as_learner("ss -ltn 2>/dev/null | grep -c ':3128' || true").output == "0\n"
    assert place.as_learner("env | grep -c -i proxy || true").output == "0\n"


async def test_listed_names_pass_and_all_that_was_asked_is_written_down(node: Place):
    async with way_out(node, "listed.example.org", "*.example.net") as way:
        assert await way.fetch("http://listed.example.org/a?b=1") == "/a?b=1  200 000"
        assert await way.fetch("http://deep.below.example.net/", "-d hello") == "/ hello 200 000"
        assert await way.fetch("http://other.example.org/") == (
            "Yunlian: other.example.org is not on the list of this lab.\n 403 000"
        )
        assert (await way.fetch("http://listed.example.org:8080/")).endswith("403 000")
        assert (await way.fetch("http://nowhere.example.net/")).endswith("502 000")
        assert way.book.verdicts == [
            ("listed.example.org", Verdict.ALLOWED),
            ("deep.below.example.net", Verdict.ALLOWED),
            ("other.example.org", Verdict.NOT_LISTED),
            ("listed.example.org", Verdict.OTHER_PORT),
            ("nowhere.example.net", Verdict.UNKNOWN),
        ]
        first = next(iter(way.book.rows.values()))
        assert (first.method, first.port, first.address, first.node) == ("GET", 80, PUBLIC, "node")
        assert first.bytes_up > 0
        assert first.bytes_down > len("/a?b=1 ")
        assert all(row.duration_ms is not None for row in way.book.rows.values())
        # The names that are not listed were not even looked up.
        assert "other.example.org" not in way.outside.asked


async def test_a_tunnel_carries_bytes_both_ways_to_listed_names_alone(node: Place):
    async with way_out(node, "listed.example.org") as way:
        through = await way.fetch("http://listed.example.org:443/x", "--proxytunnel", "-d hello")
        assert through == "/x hello 200 200"
        assert (await way.fetch("https://other.example.org/")).endswith("000 403")
        assert (await way.fetch("https://listed.example.org:22/")).endswith("000 403")
        tunnel = next(iter(way.book.rows.values()))
        assert (tunnel.method, tunnel.verdict) == ("CONNECT", Verdict.ALLOWED)
        assert (tunnel.bytes_up, tunnel.bytes_down) != (0, 0)


@pytest.mark.parametrize("name", ["metadata.example.net", "mixed.example.net"])
async def test_a_listed_name_that_leads_to_a_private_address_is_refused(node: Place, name: str):
    async with way_out(node, "*.example.net") as way:
        assert (await way.fetch(f"http://{name}/")).endswith("403 000")
        assert (await way.fetch(f"https://{name}/")).endswith("000 403")
        assert way.book.verdicts == [(name, Verdict.PRIVATE)] * 2


async def test_a_name_that_changes_its_address_is_asked_once_and_led_where_it_was_judged(node: Place):
    async with way_out(node, "*.example.net") as way:
        way.outside.answers["rebinding.example.net"] = [[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]
        assert await way.fetch("http://rebinding.example.net/one") == "/one  200 000"
        assert way.outside.asked == ["rebinding.example.net"]
        assert (await way.fetch("http://rebinding.example.net/two")).endswith("403 000")
        assert [verdict for _name, verdict in way.book.verdicts] == [Verdict.ALLOWED, Verdict.PRIVATE]


@pytest.mark.parametrize(
    "said",
    [
        "GET / HTTP/1.1\\r\\nHost: listed.example.org\\r\\n\\r\\n",
        "GET ftp://listed.example.org/ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n",
        "CONNECT 127.0.0.1:80 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n",
        "CONNECT [::1]:80 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n",
        "CONNECT 0x7f000001:80 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n",
        "GET http://listed.example.org@127.0.0.1/ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n",
        "\\x05\\x01\\x00",
        "nonsense\\r\\n\\r\\n",
    ],
)
async def test_what_is_no_wish_for_a_listed_name_leads_nowhere(node: Place, said: str):
    async with way_out(node, "listed.example.org") as way:
        answer = await way.run(f"printf '{said}' | timeout 15 nc -N 127.0.0.1 3128 | head -1")
        assert "200" not in answer.output
        assert way.outside.asked == []
        assert {verdict for _host, verdict in way.book.verdicts} <= {Verdict.UNREADABLE, Verdict.NOT_LISTED}


async def test_a_server_that_does_not_answer_is_told_and_written_down(node: Place):
    async with way_out(node, "silent.example.net:9") as way:
        assert (await way.fetch("http://silent.example.net:9/")).endswith("502 000")
        assert way.book.verdicts == [("silent.example.net", Verdict.UNREACHABLE)]


async def test_beside_the_proxy_nothing_leads_out(node: Place):
    async with way_out(node, "listed.example.org") as way:
        for target in ("1.1.1.1/443", "169.254.169.254/80", f"{PUBLIC}/80"):
            found = await way.run(f"timeout 5 bash -c 'exec 3<>/dev/tcp/{target}' 2>&1; echo $?")
            assert found.output.strip().splitlines()[-1] != "0"
        assert (await way.fetch("http://listed.example.org/", "--noproxy '*'")).endswith("000 000")
        assert way.book.rows == {}


async def test_a_flood_of_connections_is_bounded_and_the_way_stays_open(node: Place):
    async with way_out(node, "listed.example.org", limits=Limits(connections=4)) as way:
        flood = """python3 - <<'END' >/dev/null 2>&1 &
import socket, time
held = []
for _ in range(60):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(("127.0.0.1", 3128))
    held.append(one)
open("/tmp/flooded", "w").close()
time.sleep(60)
END
until [ -e /tmp/flooded ]; do sleep 0.05; done"""
        await way.run(flood)
        most = 0
        async with asyncio.timeout(DEADLINE_S):
            while most < 4:
                most = max(most, way.outlet.visits("session"))
                await asyncio.sleep(0.02)
        for _look in range(20):
            assert way.outlet.visits("session") <= 4
            await asyncio.sleep(0.02)
        await way.run("pkill -f 'python3 -'; rm -f /tmp/flooded")
        assert await way.fetch("http://listed.example.org/after", "--retry 5 --retry-all-errors") == (
            "/after  200 000"
        )


async def test_a_session_that_has_transferred_enough_is_refused_more(node: Place):
    async with way_out(node, "listed.example.org", left=200) as way:
        await way.fetch("http://listed.example.org/", f"-d {'x' * 400}")
        assert (await way.fetch("http://listed.example.org/")).endswith("429 000")
        assert [verdict for _name, verdict in way.book.verdicts] == [Verdict.BROKEN_OFF, Verdict.USED_UP]


async def test_the_learner_cannot_take_the_door_and_the_shell_knows_of_it(node: Place):
    took = await asyncio.to_thread(node.as_learner, "timeout 2 nc -l 127.0.0.1 3128 2>&1")
    assert "in use" in took.output
    async with node.attached(3) as terminal:
        await terminal.write(b"echo $http_proxy $https_proxy $no_proxy @\n")
        said = b""
        async with asyncio.timeout(DEADLINE_S):
            async for event in terminal:
                said += getattr(event, "data", b"")
                if b"localhost" in said:
                    break
    assert said.count(b"http://127.0.0.1:3128") == 2


async def test_a_node_started_anew_has_its_way_out_again(base_image: str, engine: Engine):
    spec = engine.sandbox(egress=True)
    place = Place(engine, spec)
    async with way_out(place, "listed.example.org") as way:
        assert await way.fetch("http://listed.example.org/1") == "/1  200 000"
        await asyncio.to_thread(place.driver.restart, spec, "node")
        assert await way.fetch("http://listed.example.org/2") == "/2  200 000"


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = docker_world(tmp_path_factory.mktemp("keepers"))
    yield made
    made.clean()
