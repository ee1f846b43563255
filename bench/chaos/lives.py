"""One lab life after the other, as a learner's program leads it, with a book of all it saw."""

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.stack import Stack

LABS = ("linux-processes", "linux-processes", "load-balancing")
PATIENCE_S = 240
LINES = 4_000
# Codes after which a client comes back (docs/terminal-protocol.md); every other one ends the attachment.
COME_BACK = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 1013, 4425, 4500, 4502, 4503})


@dataclass
class Book:
    """What all lives together saw. ``notes`` says of each loss whose it was."""

    done: int = 0
    unfinished: int = 0
    lost_terminals: int = 0
    lost_bytes: int = 0
    cuts: int = 0
    notes: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, note: str = "", **counts: int) -> None:
        with self.lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)
            if note:
                self.notes.append(note)


class Interrupted(Exception):
    """The life cannot be led to its end, through no fault of its own."""


class Life:
    """Start, wait, type and read, check, end: patient with everything that answers later."""

    def __init__(
        self, stack: Stack, token: str, book: Book, choose: random.Random, engine_dies: bool
    ) -> None:
        self.stack = stack
        self.token = token
        self.book = book
        self.choose = choose
        # Processes in the nodes survive a restart of the engine only with live-restore; else the shell is a new one.
        self.engine_dies = engine_dies
        self.http = httpx.Client(
            base_url=f"{stack.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=40
        )
        self.session = ""

    def lead(self) -> None:
        try:
            body = self.until_ready(self.choose.choice(LABS))
            node = self.choose.choice(body["nodes"])
            self.work(node["terminal"])
            step = body["steps"][0]["id"]
            self.ask("POST", f"/lab-sessions/{self.session}/checks/{step}", fail=False)
        except Interrupted as why:
            self.book.add(f"{self.session}: {why}", unfinished=1)
        finally:
            self.end()
            self.http.close()

    def until_ready(self, lab: str) -> dict[str, Any]:
        body = self.ask("POST", "/lab-sessions", {"lab": lab})
        self.session = body["id"]

        def ready() -> dict[str, Any] | None:
            seen = self.ask("GET", f"/lab-sessions/{self.session}")
            if seen["state"] in {"stopping", "stopped"}:
                raise Interrupted(f"ended as {seen['reason']} before it was ready")
            return seen if seen["state"] == "ready" else None

        return patiently(ready, "a ready sandbox")

    def work(self, path: str) -> None:
        """Numbers are printed and read across every cut; each must come once and in order."""
        first = self.choose.randrange(10**6)
        last = first + LINES
        reading = Reading()
        typed = f"printf 'be''gin{first}\\n'; seq {first} {last}; printf 'en''d{first}\\n'\n".encode()
        deadline = time.monotonic() + PATIENCE_S
        while not reading.holds(b"end%d\r\n" % first):
            if time.monotonic() > deadline:
                self.book.add(f"{self.session}: its terminal never told the end", lost_terminals=1)
                return
            try:
                self.attach(path, reading, typed, b"end%d\r\n" % first)
            except (OSError, TimeoutError, WebSocketException):
                self.book.add(cuts=1)
                self.ensure_alive()
                time.sleep(0.3)
        told = bytes(reading.output).partition(b"begin%d\r\n" % first)[2].partition(b"end%d\r\n" % first)[0]
        missing = [b"%d" % n for n in range(first, last + 1)] != told.split()
        if missing or reading.wrong:
            self.book.add(f"{self.session}: {reading.wrong or 'numbers are missing'}", lost_bytes=1)

    def attach(self, path: str, reading: "Reading", typed: bytes, until: bytes) -> None:
        address = f"{self.stack.url.replace('http', 'ws')}{path}?offset={len(reading.output)}"
        headers = {"Authorization": f"Bearer {self.token}"}
        with connect(address, additional_headers=headers, max_size=None, open_timeout=30) as socket:
            while not reading.holds(until):
                message = socket.recv(timeout=20)
                if isinstance(message, bytes):
                    reading.output += message
                    socket.send(json.dumps({"type": "ack", "offset": len(reading.output)}))
                elif reading.hear(json.loads(message), self.engine_dies):
                    socket.send(typed)
                    reading.typed = True

    def ensure_alive(self) -> None:
        seen = self.ask("GET", f"/lab-sessions/{self.session}")
        if seen["state"] in {"stopping", "stopped"}:
            raise Interrupted(f"ended as {seen['reason']} at work")

    def end(self) -> None:
        if self.session:
            try:
                self.ask("DELETE", f"/lab-sessions/{self.session}")
            except Interrupted as why:
                self.book.add(f"{self.session}: {why}")
        self.book.add(done=1)

    def ask(self, verb: str, path: str, body: Any = None, *, fail: bool = True) -> dict[str, Any]:
        """The answer, however long the site is away meanwhile. Raises Interrupted for a refusal."""

        def answered() -> dict[str, Any] | None:
            try:
                answer = self.http.request(verb, path, json=body)
            except httpx.TransportError:
                return None
            if answer.status_code in {429, 500, 502, 503}:
                return None
            if answer.status_code >= 400 and fail:
                raise Interrupted(f"{verb} {path}: {answer.status_code} {answer.text[:200]}")
            return dict(answer.json())

        return patiently(answered, f"an answer to {verb} {path}")


@dataclass
class Reading:
    """The bytes of one terminal across attachments, by their absolute offsets."""

    output: bytearray = field(default_factory=bytearray)
    epoch: str = ""
    typed: bool = False
    wrong: str = ""

    def holds(self, mark: bytes) -> bool:
        return mark in self.output[-64 * 1024 :]

    def hear(self, told: dict[str, Any], new_shells_are_fine: bool) -> bool:
        """Whether the work must be typed now: at the first attachment, and after the node was made anew."""
        if told.get("type") != "hello":
            return False
        first = not self.epoch
        if not first and told["epoch"] != self.epoch:
            if not new_shells_are_fine:
                self.wrong = "another keeper answered"
            self.output.clear()
            self.typed = False
        elif told["gap"] or told["offset"] != len(self.output):
            self.wrong = f"at {len(self.output)} the keeper went on at {told['offset']}, gap {told['gap']}"
        self.epoch = told["epoch"]
        return not self.typed


def patiently(look: Callable[[], Any], what: str) -> Any:
    """What ``look`` first found. Raises Interrupted after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise Interrupted(f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.2)
    return found
