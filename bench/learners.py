"""Learners as programs, as light as the bare calls beside them: labs over HTTP, terminals over websockets, on plain sockets."""

import base64
import http.client
import json
import os
import socket
import struct
import time
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.sync.client import connect

from bench.raw import PROMPT
from tests.stack import Stack

PATIENCE_S = 60
LENGTHS = {126: "!H", 127: "!Q"}
CLOSED = 8

MAKE_LEARNERS = """
from community.models import ApiToken, User
for number in range({first}, {last}):
    person, _made = User.objects.get_or_create(username=f"bench{{number}}", defaults={{"email": f"bench{{number}}@example.org"}})
    print(ApiToken.issue(person, "bench"))
"""


class Learner:
    """One person with a token and a connection that is kept."""

    def __init__(self, product: Stack, token: str) -> None:
        self.address = urlsplit(product.url)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.http = http.client.HTTPConnection(
            self.address.hostname or "", self.address.port, timeout=PATIENCE_S
        )

    def __enter__(self) -> Self:
        self.ask("GET", "/labs")  # the connection is open, as a browser's is
        return self

    def __exit__(self, *_error: object) -> None:
        self.http.close()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the REST API answers. Raises ConnectionError for a refusal."""
        self.http.request(method, f"/api/v1{path}", json.dumps(body) if body else None, self.headers)
        answer = self.http.getresponse()
        told = answer.read()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise ConnectionError(f"{method} {path}: {answer.status} {told!r}")
        return json.loads(told)

    def start(self, lab: str) -> tuple[dict[str, Any], float]:
        """The session, and the milliseconds from the click to the first prompt of every node."""
        began = time.perf_counter()
        session = self.ask("POST", "/lab-sessions", {"lab": lab})
        if session["state"] != "ready":
            self._until_ready(session["id"])
        screens = [Screen(self, node["terminal"]) for node in session["nodes"]]
        for screen in screens:
            screen.read_until(PROMPT)
        took_ms = (time.perf_counter() - began) * 1000
        for screen in screens:
            screen.close()
        return session, took_ms

    def leave(self, session: dict[str, Any]) -> None:
        self.http.close()  # the server hangs up on who is silent for a while
        self.ask("DELETE", f"/lab-sessions/{session['id']}")

    def _until_ready(self, session_id: str) -> None:
        address = f"ws://{self.address.netloc}/ws/labs/sessions/{session_id}/events/"
        with connect(address, additional_headers=self.headers) as events:
            until = time.monotonic() + PATIENCE_S
            while True:
                told = json.loads(events.recv(timeout=until - time.monotonic()))
                if told["type"] == "session" and told["state"] == "ready":
                    return


class Screen:
    """A terminal's websocket, of which only what the terminal says is read."""

    def __init__(self, learner: Learner, path: str) -> None:
        """The handshake is sent; its answer is read with the first words."""
        self.path = path
        self.socket = socket.create_connection((learner.http.host, learner.http.port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""
        self.greeted = False
        lines = [
            f"GET {path}?offset=0 HTTP/1.1",
            f"Host: {learner.address.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            f"Authorization: {learner.headers['Authorization']}",
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def read_until(self, marker: bytes) -> bytes:
        """All that the terminal said until ``marker`` came. Raises ConnectionError when it is refused or ends before."""
        said = b""
        while marker not in said:
            said += self._frame()
        return said

    def close(self) -> None:
        self.socket.close()

    def _frame(self) -> bytes:
        if not self.greeted:
            head = self._take_line()
            if b" 101 " not in head:
                raise ConnectionError(f"{self.path}: {head!r}")
            self.greeted = True
        kind, size = self._take(2)
        if size in LENGTHS:
            (size,) = struct.unpack(LENGTHS[size], self._take(struct.calcsize(LENGTHS[size])))
        body = self._take(size)
        if kind & 15 == CLOSED:
            raise ConnectionError(f"no prompt at {self.path}: {body!r}")
        return body

    def _take_line(self) -> bytes:
        while b"\r\n\r\n" not in self.unread:
            self._receive()
        head, _end, self.unread = self.unread.partition(b"\r\n\r\n")
        return head

    def _take(self, size: int) -> bytes:
        while len(self.unread) < size:
            self._receive()
        taken, self.unread = self.unread[:size], self.unread[size:]
        return taken

    def _receive(self) -> None:
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError(f"{self.path} ended")
        self.unread += part


def tokens(product: Stack, count: int) -> list[str]:
    """New tokens of as many people."""
    return product.manage("shell", "--no-imports", "-c", MAKE_LEARNERS.format(first=0, last=count)).split()
