"""One lab life after the other, as a learner's program leads it, with a book of all it saw."""

import base64
import hashlib
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

from config.launch.installation import ROOT
from tests.stack import Stack

LABS = ("linux-processes", "linux-processes", "load-balancing")
# Of a hundred lives so many are given up while their machines are made, and so many begin a machine anew.
GIVEN_UP, ANEW = 12, 12
# So many of a hundred do the whole of such a lab and finish it; the others leave it. The other lab has a step that can
# only be done where the machine lets a program use up its share of the processor, and a drilled one is seldom so idle.
FINISHED, FINISHABLE = 75, frozenset({"load-balancing"})
PATIENCE_S = 240
LINES = 4_000
ROUNDS = 4
# After so long without a word the work is typed again if it never began; after so many times the connection is dead.
SILENCE_S, SILENCES = 8, 3
# Codes after which a client comes back (docs/terminal-protocol.md); every other one ends the attachment.
COME_BACK = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 1013, 4425, 4429, 4500, 4502, 4503})


@dataclass(frozen=True)
class Heard:
    """What one terminal said from its first byte on, as its learner read it."""

    session: str
    node: str
    terminal: str
    epoch: str
    length: int
    digest: str


@dataclass
class Book:
    """What all lives together saw. ``notes`` says of each loss whose it was."""

    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    # When each session began and was left, by the monotonic clock.
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def steps(self) -> int:
        """How much was done so far, by whichever life."""
        with self.lock:
            return sum(self.counts[kind] for kind in ("ready", "terminals", "checks", "lives"))

    def add(self, note: str = "", **counts: int) -> None:
        with self.lock:
            self.counts.update(counts)
            if note:
                self.notes.append(note)
                print(note, file=sys.stderr, flush=True)


class Interrupted(Exception):
    """The life cannot be led to its end, through no fault of its own."""


class Refused(Interrupted):
    """The site said no."""


class Left(Exception):
    """The learner's connection broke on their side."""


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
        self.new_shells_are_fine = engine_dies
        self.http = httpx.Client(
            base_url=f"{stack.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=40
        )
        self.session = ""
        self.began = time.monotonic()
        self.is_finished = False
        # The life of each machine in which its learner has worked so far.
        self.epochs: dict[str, str] = {}

    def lead(self) -> None:
        lot = self.choose.randrange(100)
        try:
            lab = self.choose.choice(LABS)
            self.session = self.ask("POST", "/lab-sessions", {"lab": lab})["id"]
            if lot < GIVEN_UP:
                time.sleep(self.choose.uniform(0, 4))
                self.book.add(given_up=1)
                return
            body = self.until_ready()
            if lot >= 100 - ANEW:
                body = self.begin_anew(self.choose.choice(body["nodes"])["name"])
            self.pass_step(lab, body, body["steps"][0]["id"], lines=LINES)
            self.book.add(passed=1)
            if lab in FINISHABLE and self.choose.randrange(100) < FINISHED:
                self.finish(lab, body)
        except Interrupted as why:
            self.book.add(f"{self.session}: {why}", unfinished=1)
        finally:
            self.end()
            self.http.close()

    def until_ready(self) -> dict[str, Any]:
        def ready() -> dict[str, Any] | None:
            seen = self.ensure_alive()
            restarting = any(node["state"] == "restarting" for node in seen["nodes"])
            return seen if seen["state"] == "ready" and not restarting else None

        found: dict[str, Any] = patiently(ready, "a ready sandbox")
        self.book.add(ready=1)
        return found

    def begin_anew(self, node: str) -> dict[str, Any]:
        """A node was made anew; its programs and its home are others."""
        self.ask("POST", f"/lab-sessions/{self.session}/nodes/{node}/restart")
        self.book.add(begun_anew=1)
        return self.until_ready()

    def pass_step(self, lab: str, body: dict[str, Any], step: str, *, lines: int) -> None:
        """The step is done on every machine it asks for, ``lines`` were read from each, and its checks have passed."""
        paths = {node["name"]: node["terminal"] for node in body["nodes"]}
        solutions = {path.name.split(".")[1]: path for path in solutions_of(lab, step)}
        for _round in range(ROUNDS):
            for node, path in solutions.items():
                self.work(node, paths[node], path.read_bytes(), lines)
            if self.check(step):
                return
            self.until_ready()
        raise Interrupted(f"its checks did not pass: {self.check_words(step)}")

    def finish(self, lab: str, body: dict[str, Any]) -> None:
        """The other steps are done too and the lab is passed; where an engine took the machines along, it may be left."""
        try:
            for step in body["steps"][1:]:
                self.pass_step(lab, body, step["id"], lines=0)
            for _round in range(ROUNDS):
                if patiently(self.passed, "the finish", pause_s=1.0):
                    self.is_finished = True
                    self.book.add(finished=1)
                    return
            raise Interrupted("it could not be finished, though every step had passed")
        except Interrupted as why:
            if not self.new_shells_are_fine:
                raise
            self.book.add(f"{self.session}: left unfinished: {why}", left_unfinished=1)

    def passed(self) -> bool | None:
        """Whether the lab is passed, as the answer to a finish says, or the session when that answer was lost."""
        try:
            result = self.ask("POST", f"/lab-sessions/{self.session}/finish")["result"]
        except Refused:
            return self.ask("GET", f"/lab-sessions/{self.session}")["passed_at"] is not None
        return None if result["state"] != "done" or result["problem"] else bool(result["passed"])

    def check(self, step: str) -> bool:
        """Whether the checks of ``step`` passed, as the answer or the session says."""

        def answered() -> bool | None:
            result = self.ask("POST", f"/lab-sessions/{self.session}/checks/{step}")["result"]
            if result["state"] != "done" or result["problem"]:
                return None
            return bool(result["passed"])

        passed = bool(patiently(answered, f"the checks of {step}", pause_s=1.0))
        self.book.add(checks=1)
        return passed

    def check_words(self, step: str) -> str:
        steps = self.ask("GET", f"/lab-sessions/{self.session}")["steps"]
        return json.dumps(next(one["checks"] for one in steps if one["id"] == step), ensure_ascii=False)[:400]

    def work(self, node: str, path: str, solution: bytes, lines: int) -> None:
        """The step is solved and numbers are printed and read across every cut; each must come once and in order."""
        first = self.choose.randrange(10**6)
        marks = b"begin%d\r\n" % first, b"end%d\r\n" % first
        reading = Reading(self.choose, typing(first, solution, lines), b"taken%d\r\n" % first, marks[1])
        deadline = time.monotonic() + PATIENCE_S
        while not reading.is_over:
            if not lines and self.epochs.get(node, reading.epoch) != reading.epoch != "":
                raise Interrupted(f"{node} was made anew, and what was done in it is gone")
            if time.monotonic() > deadline:
                self.book.add(f"{self.session}: its terminal on {node} never told the end", lost_terminals=1)
                return
            try:
                self.attach(path, reading)
            except Left:
                self.book.add(cuts_by_learner=1)
            except (OSError, TimeoutError, WebSocketException) as cut:
                self.book.add(cuts_by_kill=1)
                self.ensure_alive()
                if isinstance(cut, ConnectionClosed) and cut.rcvd and cut.rcvd.code not in COME_BACK:
                    self.book.add(f"{self.session}: {node} closed with {cut.rcvd.code}", lost_terminals=1)
                    return
                time.sleep(0.3)
        self.epochs[node] = reading.epoch
        told = bytes(reading.output).partition(marks[0])[2].partition(marks[1])[0]
        missing = [b"%d" % n for n in range(first, first + lines)] != told.split()
        self.book.add(terminals=1, bytes_read=len(reading.output))
        if missing or (reading.wrong and not self.new_shells_are_fine):
            self.book.add(f"{self.session}: {reading.wrong or 'numbers are missing'}", lost_bytes=1)
        digest = hashlib.sha256(reading.output).hexdigest()
        heard = Heard(self.session, node, "1", reading.epoch, len(reading.output), digest)
        with self.book.lock:
            self.book.heard.append(heard)

    def attach(self, path: str, reading: "Reading") -> None:
        address = f"{self.stack.url.replace('http', 'ws')}{path}?offset={len(reading.output)}"
        headers = {"Authorization": f"Bearer {self.token}"}
        with connect(address, additional_headers=headers, max_size=None, open_timeout=30) as socket:
            leave_at, silent = reading.next_cut(), 0
            while not reading.is_over:
                try:
                    message = socket.recv(timeout=SILENCE_S)
                except TimeoutError:
                    silent += 1
                    if silent == SILENCES:
                        raise
                    if reading.taken not in reading.output:
                        socket.send(reading.typed)  # what was typed died with the process that took it
                    continue
                silent = 0
                if isinstance(message, bytes):
                    reading.output += message
                    socket.send(json.dumps({"type": "ack", "offset": len(reading.output)}))
                elif reading.hear(json.loads(message)):
                    socket.send(reading.typed)
                if len(reading.output) > leave_at:
                    socket.socket.shutdown(SHUT_RDWR)
                    raise Left

    def ensure_alive(self) -> dict[str, Any]:
        seen = self.ask("GET", f"/lab-sessions/{self.session}")
        if seen["state"] in {"stopping", "stopped"}:
            raise Interrupted(f"ended as {seen['reason']}: {seen.get('detail', '')}")
        return seen

    def end(self) -> None:
        if self.session and not self.is_finished:
            try:
                self.ask("DELETE", f"/lab-sessions/{self.session}")
            except Interrupted as why:
                self.book.add(f"{self.session}: {why}")
        with self.book.lock:
            self.book.spans[self.session] = (self.began, time.monotonic())
        self.book.add(lives=1)

    def ask(self, verb: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer, however long the site is away meanwhile. Raises Interrupted for a refusal."""

        def answered() -> dict[str, Any] | None:
            try:
                answer = self.http.request(verb, path, json=body)
            except httpx.TransportError:
                return None
            if answer.status_code == 500:
                self.book.add(f"{verb} {path}: 500", faults=1)
            if answer.status_code in {429, 500, 502, 503}:
                return None
            if answer.status_code >= 400:
                raise Refused(f"{verb} {path}: {answer.status_code} {answer.text[:200]}")
            return dict(answer.json())

        return patiently(answered, f"an answer to {verb} {path}")


@dataclass
class Reading:
    """The bytes of one terminal across attachments, by their absolute offsets."""

    choose: random.Random
    typed: bytes
    taken: bytes
    end: bytes
    output: bytearray = field(default_factory=bytearray)
    epoch: str = ""
    typed_in: str = ""
    wrong: str = ""

    @property
    def is_over(self) -> bool:
        return self.end in self.output[-64 * 1024 :]

    def next_cut(self) -> float:
        """At how many bytes the learner's own connection breaks; half of the time it does not."""
        return (
            len(self.output) + self.choose.randrange(20_000) if self.choose.random() < 0.5 else float("inf")
        )

    def hear(self, told: dict[str, Any]) -> bool:
        """Whether the work must be typed now: at first, and anew in a node made anew."""
        if told.get("type") == "notice" and told.get("kind") == "gap":
            self.wrong = f"{told['missed']} bytes were skipped"
        if told.get("type") != "hello":
            return False
        if self.epoch and told["epoch"] != self.epoch:
            self.wrong = "another keeper answered"
            self.output.clear()
        elif told["gap"] or told["offset"] != len(self.output):
            self.wrong = f"at {len(self.output)} the keeper went on at {told['offset']}, gap {told['gap']}"
        self.epoch = told["epoch"]
        is_new, self.typed_in = self.typed_in != self.epoch, self.epoch
        return is_new


def typing(first: int, solution: bytes, lines: int) -> bytes:
    """One line: what is half typed goes, the step is solved, and so many numbers come, 500 at once, between two marks.

    A mark in front says that it was taken, so that nothing is solved twice. The solution runs in a session of its own:
    at the end of a job of the terminal's the kernel wakes those of its processes that were paused.
    """
    taken = f"printf 'ta''ken{first}\\n'"
    solve = f"echo {base64.b64encode(solution).decode()} | base64 -d | setsid -w bash"
    last = first + lines - 1
    # Without numbers no program is started: a step may have left no room for one.
    flood = f"for n in $(seq {first} 500 {last}); do seq $n $((n+499)); sleep 0.3; done" if lines else ":"
    return f"\x15{taken}; {solve}; printf 'be''gin{first}\\n'; {flood}; printf 'en''d{first}\\n'\n".encode()


def solutions_of(lab: str, step: str) -> list[Path]:
    """What solves ``step`` of ``lab``, a script per machine."""
    found = sorted((ROOT / "sandbox_images" / "labs" / lab / "solve").glob(f"{step}.*.sh"))
    assert found, f"{lab} has no solution of {step}"
    return found


def patiently(look: Callable[[], Any], what: str, pause_s: float = 0.2) -> Any:
    """What ``look`` first found. Raises Interrupted after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise Interrupted(f"waited {PATIENCE_S} s for {what}")
        time.sleep(pause_s)
    return found
