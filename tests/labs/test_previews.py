"""Ports of a node in the browser: who gets in, what is passed on, and what never is."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.apps import apps
from django.test import Client
from websockets.sync.server import serve

from labs import sessions
from labs.models import LabSession
from labs.previews import PreviewGate, headers, passes
from labs.previews.hosts import Target, is_preview, target_of
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory, node

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=[app.name for app in apps.get_app_configs()]
)

SITE = "http://testserver"
WAIT_S = 30


@dataclass
class Program:
    """What listens on a port of the node: keeps what it was sent, says what it was told to, then hangs up."""

    answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
    asked: bytes = b""
    port: int = 0
    hears_body: bool = True
    done: threading.Event = field(default_factory=threading.Event)

    def serve(self, door: socket.socket) -> None:
        while True:
            try:
                guest, _from = door.accept()
            except OSError:
                return
            guest.settimeout(WAIT_S)
            with guest:
                self.asked = b""
                while self.hears_body and not self.is_whole():
                    part = guest.recv(65536)
                    if not part:
                        break
                    self.asked += part
                try:
                    guest.sendall(self.answer)
                except OSError:
                    continue
                finally:
                    self.done.set()

    def is_whole(self) -> bool:
        head, end, body = self.asked.partition(b"\r\n\r\n")
        if not end:
            return False
        if b"transfer-encoding: chunked" in head.lower():
            return body.endswith(b"0\r\n\r\n")
        length = next(
            (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
        )
        return len(body) >= length

    def header(self, name: str) -> list[str]:
        lines = self.asked.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return [
            value.strip()
            for key, _colon, value in (line.partition(":") for line in lines)
            if key.lower() == name
        ]


@pytest.fixture
def program(engine) -> Iterator[Program]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        told = Program(port=door.getsockname()[1])
        thread = threading.Thread(target=told.serve, args=(door,), daemon=True)
        thread.start()
        engine.services["box", 8080] = told.port
        yield told
        door.shutdown(socket.SHUT_RDWR)
    thread.join(WAIT_S)


@pytest.fixture
def session(engine) -> LabSession:
    session = SessionFactory(lab=LabFactory(nodes=[node("box"), node("other")]))
    engine.create(session.sandbox.spec())
    return session


@pytest.fixture
def target(session) -> Target:
    return Target(session.sandbox.ref, "box", 8080)


@pytest.fixture
def visit(session, target) -> str:
    """The cookie of a learner who came in through the site."""
    client = Client()
    client.force_login(session.learner, "django.contrib.auth.backends.ModelBackend")
    handed = client.get(f"/en/labs/sessions/{session.pk}/ports/box/8080/")["Location"]
    assert handed.startswith(f"{target.origin}/.yunlian/enter?")
    token = parse_qs(urlsplit(handed).query)["token"][0]
    return f"{passes.cookie_name()}={passes.cookie_for(token, target)}"


class Answer:
    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.whole = False

    def header(self, name: str) -> list[str]:
        return [value.decode() for key, value in self.headers if key == name.encode()]


async def site(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"the site"})


def scope_of(kind, target, path="/", cookie="", more=(), **others):
    address, _mark, query = path.partition("?")
    return {
        "type": kind,
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http" if kind == "http" else "ws",
        "path": address,
        "raw_path": address.encode(),
        "query_string": query.encode(),
        "client": ("192.0.2.7", 1),
        "headers": [
            (b"host", target.host.encode()),
            *([(b"cookie", cookie.encode())] if cookie else []),
            *more,
        ],
        **others,
    }


async def ask(target, path="/", cookie="", *, body=(b"",), more=(), **others) -> Answer:
    """One request as the web server hands it over."""
    talk = ApplicationCommunicator(PreviewGate(site), scope_of("http", target, path, cookie, more, **others))
    for number, part in enumerate(body):
        await talk.send_input({"type": "http.request", "body": part, "more_body": number < len(body) - 1})
    answer = Answer()
    while not answer.whole:
        getting = asyncio.ensure_future(talk.output_queue.get())
        done, _rest = await asyncio.wait(
            {getting, talk.future}, timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED
        )
        if getting not in done:
            getting.cancel()
            if talk.output_queue.empty():
                talk.future.result()
                break
            continue
        message = getting.result()
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], message["headers"]
        else:
            answer.body += message["body"]
            answer.whole = not message.get("more_body", False)
    await talk.wait(WAIT_S)
    return answer


async def test_a_page_is_shown_on_its_own_origin(target, visit, program):
    answer = await ask(target, "/a%20b?c=d&e", visit)
    assert (answer.status, answer.body) == (200, b"hello")
    assert program.asked.startswith(b"GET /a%20b?c=d&e HTTP/1.1\r\n")
    assert program.header("host") == [target.host]
    assert answer.header("content-security-policy") == [f"frame-ancestors {SITE}"]


async def test_the_site_is_never_asked_for_a_preview_nor_a_preview_for_the_site(target, program):
    assert (await ask(Target("0", "box", 8080), "/")).status == 403
    for host in ("preview.testserver", "x.preview.testserver", f"a.{target.host}", target.host + "."):
        assert is_preview(host)
        assert target_of(host) is None
    for host in ("testserver", "evilpreview.testserver", "preview.testserver.example.org"):
        assert not is_preview(host)
    for label in ("08080-box-ab", "70000-box-ab", "80-Box-ab", "80-box", "80-box-ab-"):
        assert target_of(f"{label}.preview.testserver") is None


async def test_no_cookie_of_the_sites_ever_reaches_the_node(target, visit, program):
    cookie = f"sessionid=secret; app=1; csrftoken=t; {visit}; messages=m; django_language=en; b=2"
    await ask(target, "/", cookie)
    assert program.header("cookie") == ["app=1; b=2"]
    assert b"secret" not in program.asked
    assert visit.partition("=")[2].encode() not in program.asked
    await ask(target, "/", visit)
    assert program.header("cookie") == []


async def test_the_nodes_cookies_stay_on_its_host_and_leave_ours_alone(target, visit, program):
    program.answer = (
        b"HTTP/1.1 200 OK\r\nset-cookie: app=1; Domain=testserver; Path=/\r\nset-cookie: sessionid=x\r\n"
        b"set-cookie: yunlian-preview=x\r\nstrict-transport-security: max-age=9; includeSubDomains\r\n"
        b'clear-site-data: "cookies"\r\ncontent-length: 0\r\n\r\n'
    )
    answer = await ask(target, "/", visit)
    assert answer.header("set-cookie") == ["app=1; Path=/"]
    assert answer.header("clear-site-data") == answer.header("strict-transport-security") == []


async def test_who_asks_is_told_by_us_alone(target, visit, program):
    forged = [(b"x-forwarded-for", b"127.0.0.1"), (b"x-forwarded-user", b"root"), (b"forwarded", b"for=1")]
    hop = [(b"connection", b"keep-alive, x-mine"), (b"x-mine", b"1"), (b"te", b"trailers"), (b"x-kept", b"1")]
    await ask(target, "/", visit, more=forged + hop)
    assert program.header("x-forwarded-for") == ["192.0.2.7"]
    assert program.header("x-forwarded-host") == [target.host]
    assert program.header("x-forwarded-user") == program.header("forwarded") == program.header("x-mine") == []
    assert (program.header("connection"), program.header("x-kept")) == (["close"], ["1"])


@pytest.mark.parametrize(
    "path",
    ["/\r\nx-evil: 1", "/ HTTP/1.1\r\nhost: other\r\n\r\nGET /", "/\0"],
    ids=["line", "request", "zero"],
)
async def test_nothing_is_slipped_into_a_request(target, visit, program, path):
    assert (await ask(target, path, visit)).status == 400
    assert b"evil" not in program.asked


async def test_nothing_is_slipped_into_an_answer(target, visit, program):
    program.answer = b"HTTP/1.1 200 OK\r\nx-a: 1\rx-evil: 2\r\ncontent-length: 0\r\n\r\n"
    assert (await ask(target, "/", visit)).status == 502


async def test_bodies_are_passed_on_as_they_come(target, visit, program):
    parts = [b"x" * 60_000] * 40
    length = (b"content-length", str(sum(map(len, parts))).encode())
    await ask(target, "/", visit, method="POST", body=parts, more=[length])
    assert program.asked.endswith(b"".join(parts))
    await ask(
        target, "/", visit, method="PUT", body=[b"one", b"two"], more=[(b"transfer-encoding", b"chunked")]
    )
    assert program.asked.partition(b"\r\n\r\n")[2] == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


async def test_a_large_answer_in_chunks_arrives_whole(target, visit, program):
    chunk = b"ffff\r\n" + b"y" * 0xFFFF + b"\r\n"
    program.answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunk * 60 + b"0\r\n\r\n"
    answer = await ask(target, "/", visit)
    assert answer.body == b"y" * 0xFFFF * 60
    assert answer.header("transfer-encoding") == []


async def test_an_answer_that_breaks_off_is_not_passed_off_as_whole(target, visit, program):
    program.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"
    answer = await ask(target, "/", visit)
    assert (answer.body, answer.whole) == (b"half", False)


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000])
async def test_what_is_no_web_server_is_told_in_words(target, visit, program, said):
    program.answer = said
    answer = await ask(target, "/", visit, more=[(b"accept-language", b"en")])
    assert answer.status == 502
    assert b"No web page came from port 8080 of box" in answer.body


async def test_a_port_nobody_listens_on_says_so(session, target, visit):
    answer = await ask(target, "/", visit, more=[(b"accept-language", b"zh-CN")])
    assert answer.status == 502
    assert "没有程序在监听" in answer.body.decode()


async def test_a_visitor_who_leaves_ends_the_exchange(target, visit, program):
    program.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n" + b"z" * 100
    program.hears_body = False
    talk = ApplicationCommunicator(PreviewGate(site), scope_of("http", target, "/", visit))
    await talk.send_input({"type": "http.request", "body": b""})
    await talk.receive_output(WAIT_S)
    await talk.send_input({"type": "http.disconnect"})
    await talk.wait(WAIT_S)


async def test_nobody_else_gets_in(session, target, visit, program):
    assert (await ask(target)).status == 403
    assert (await ask(target, "/", visit[:-1] + "x")).status == 403
    other = await sync_to_async(LearnerFactory)()
    handed = await sync_to_async(passes.entrance)(other, target)
    token = parse_qs(urlsplit(handed).query)["token"][0]
    entered = await ask(target, f"/.yunlian/enter?token={token}")
    stolen = entered.header("set-cookie")[0].split(";")[0]
    assert (await ask(target, "/", stolen)).status == 403
    assert program.asked == b""


async def test_a_cookie_is_good_on_its_own_host_alone(engine, session, target, visit, program):
    engine.services["other", 8080] = program.port
    assert (await ask(Target(target.ref, "other", 8080), "/", visit)).status == 403
    assert (await ask(Target(target.ref, "box", 8081), "/", visit)).status == 403


async def test_a_token_is_good_once_on_its_own_host(session, target):
    handed = await sync_to_async(passes.entrance)(session.learner, target)
    path = handed.removeprefix(target.origin)
    assert (await ask(Target(target.ref, "other", 8080), path)).status == 403
    entered = await ask(target, path)
    assert (entered.status, entered.header("location")) == (303, ["/"])
    (cookie,) = entered.header("set-cookie")
    assert "HttpOnly" in cookie
    assert "domain" not in cookie.lower()
    assert (await ask(target, path)).status == 403


async def test_the_end_of_the_session_is_the_end_of_its_previews(session, target, visit, program):
    assert (await ask(target, "/", visit)).status == 200
    await sync_to_async(sessions.abandon)(session)
    program.asked = b""
    assert (await ask(target, "/", visit)).status == 503
    assert program.asked == b""


async def test_opening_a_preview_wakes_frozen_machines_and_what_a_page_asks_by_itself_does_not(
    session, target, visit, program
):
    await sync_to_async(sessions.suspend)(session)
    assert (await ask(target, "/", visit, more=[(b"sec-fetch-mode", b"cors")])).status == 503
    assert (await ask(target, "/", visit, more=[(b"sec-fetch-mode", b"navigate")])).status == 200
    assert (await ask(target, "/", visit, more=[(b"sec-fetch-mode", b"cors")])).status == 200


async def test_connections_are_counted_by_person(target, visit, program, settings):
    settings.LABS_PREVIEW_CONNECTIONS = 0
    assert (await ask(target, "/", visit)).status == 503


def test_the_way_in_is_the_learners_and_of_a_known_node(session, target):
    client = Client()
    path = f"/en/labs/sessions/{session.pk}/ports/{{}}/"
    assert "/accounts/login/" in client.get(path.format("box/8080"))["Location"]
    client.force_login(LearnerFactory(), "django.contrib.auth.backends.ModelBackend")
    assert client.get(path.format("box/8080")).status_code == 404
    client.force_login(session.learner, "django.contrib.auth.backends.ModelBackend")
    for place in ("nothing/8080", "box/0", "box/70000"):
        assert client.get(path.format(place)).status_code == 404


@pytest.fixture
def echoing(engine) -> Iterator[dict]:
    """A websocket program: what it is sent it says again; ``seen`` holds its handshakes."""
    seen: dict = {}

    def talk(guest) -> None:
        seen["headers"] = dict(guest.request.headers.raw_items())
        for said in guest:
            if said == "bye":
                guest.close(4321)
                return
            guest.send(said)

    with serve(talk, "127.0.0.1", 0, subprotocols=["echo"]) as server:
        engine.services["box", 8080] = server.socket.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield seen
        server.shutdown()
        thread.join(WAIT_S)


def socket_of(target, cookie, origin, **others):
    more = [(b"origin", origin.encode()), (b"sec-websocket-key", b"x"), (b"upgrade", b"websocket")]
    scope = scope_of("websocket", target, "/live?x=1", cookie, more, subprotocols=["echo"], **others)
    return ApplicationCommunicator(PreviewGate(site), scope)


async def test_messages_go_both_ways_and_the_close_with_them(target, visit, echoing):
    talk = socket_of(target, f"sessionid=secret; {visit}; app=1", target.origin)
    await talk.send_input({"type": "websocket.connect"})
    assert await talk.receive_output(WAIT_S) == {"type": "websocket.accept", "subprotocol": "echo"}
    for message in ({"text": "云联"}, {"bytes": b"\x00" * 200_000}):
        await talk.send_input({"type": "websocket.receive", **message})
        assert await talk.receive_output(WAIT_S) == {"type": "websocket.send", **message}
    await talk.send_input({"type": "websocket.receive", "text": "bye"})
    assert await talk.receive_output(WAIT_S) == {"type": "websocket.close", "code": 4321}
    await talk.wait(WAIT_S)
    sent = {name.lower(): value for name, value in echoing["headers"].items()}
    assert (sent["cookie"], sent["host"], sent["origin"]) == ("app=1", target.host, target.origin)
    assert "secret" not in str(sent)


@pytest.mark.parametrize("origin", [SITE, "http://evil.example.org", ""])
async def test_a_socket_of_another_origin_is_refused(target, visit, echoing, origin):
    talk = socket_of(target, visit, origin)
    await talk.send_input({"type": "websocket.connect"})
    assert (await talk.receive_output(WAIT_S))["type"] == "websocket.close"
    await talk.wait(WAIT_S)
    assert echoing == {}


async def test_a_redirect_leads_a_socket_nowhere(target, visit, program):
    program.answer = f"HTTP/1.1 302 Found\r\nlocation: ws://127.0.0.1:{program.port}/\r\ncontent-length: 0\r\n\r\n".encode()
    talk = socket_of(target, visit, target.origin)
    await talk.send_input({"type": "websocket.connect"})
    assert (await talk.receive_output(WAIT_S))["type"] == "websocket.close"
    await talk.wait(WAIT_S)


async def test_an_open_socket_ends_with_its_session(session, target, visit, echoing, settings):
    settings.LABS_SOCKET_RECHECK_SECONDS = 0.05
    talk = socket_of(target, visit, target.origin)
    await talk.send_input({"type": "websocket.connect"})
    await talk.receive_output(WAIT_S)
    await sync_to_async(sessions.abandon)(session)
    assert await talk.receive_output(WAIT_S) == {"type": "websocket.close", "code": 1008}
    await talk.wait(WAIT_S)


def test_headers_named_by_connection_are_of_this_hop():
    sent = headers.from_node([(b"Connection", b"x-a"), (b"X-A", b"1"), (b"X-B", b"2")], site=SITE, ours=())
    assert (b"x-b", b"2") in sent
    assert not [name for name, _value in sent if name in {b"x-a", b"connection"}]
