"""Faults on the real engine: whatever is killed or removed, within a minute all is right again and nothing is left."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.docker]

MINUTE = 60
THREE_NODES = "load-balancing"
LAST = 200_000


class Learner:
    """A person's program on the REST API."""

    def __init__(self, stack: Stack, username: str) -> None:
        self.stack = stack
        self.token = stack.token(username)
        self.http = httpx.Client(
            base_url=f"{stack.url}/api/v1", headers={"Authorization": f"Bearer {self.token}"}, timeout=40
        )
        self.session = ""

    def start(self, lab: str) -> dict[str, Any]:
        answer = self.http.post("/lab-sessions", json={"lab": lab})
        assert answer.status_code in {200, 201}, answer.text
        self.session = answer.json()["id"]
        return answer.json()

    def look(self) -> dict[str, Any]:
        answer = self.http.get(f"/lab-sessions/{self.session}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def is_in(self, state: str) -> dict[str, Any] | None:
        try:
            seen = self.look()
        except httpx.TransportError:
            return None  # the web process is being started again
        return seen if seen["state"] == state else None

    def ready(self) -> dict[str, Any]:
        return self.stack.wait_until(lambda: self.is_in("ready"), MINUTE, "a ready sandbox")

    def abandon(self) -> None:
        if self.session:
            self.http.delete(f"/lab-sessions/{self.session}")
        self.http.close()

    @contextmanager
    def terminal(self, path: str, offset: int = 0) -> Iterator[ClientConnection]:
        address = f"{self.stack.url.replace('http', 'ws')}{path}?offset={offset}"
        with connect(
            address,
            additional_headers={"Authorization": f"Bearer {self.token}"},
            max_size=None,
            open_timeout=30,
        ) as socket:
            yield socket


@pytest.fixture
def learner(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Learner]:
    """A demo person of the test's choice, whose sandbox is gone afterwards with everything of it."""
    person = Learner(stack, request.param)
    yield person
    person.abandon()
    stack.wait_until(stack.nothing_left, MINUTE, f"an engine without {stack.engine_objects('containers')}")


def nodes_running(stack: Stack) -> list[str]:
    return sorted(
        c["Labels"]["yunlian.node"] for c in stack.engine_objects("containers") if c["State"] == "running"
    )


@pytest.mark.parametrize("learner", ["trainee"], indirect=True)
def test_a_worker_killed_while_it_creates_leaves_a_ready_sandbox_and_no_second_one(
    stack: Stack, learner: Learner
):
    learner.start(THREE_NODES)
    stack.wait_until(lambda: learner.is_in("provisioning"), MINUTE, "a sandbox being made")
    stack.kill("worker", signal.SIGKILL)
    names = sorted(node["name"] for node in learner.ready()["nodes"])
    assert nodes_running(stack) == names
    assert len(stack.engine_objects("networks")) == 1


class Recording:
    """The bytes of one terminal, put together across connections by their absolute offsets."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.epochs: list[str] = []

    def read(self, socket: ClientConnection, until: bytes) -> None:
        """Read on until ``until`` is in the last output; acknowledges what it took. Raises ConnectionClosed."""
        while until not in self.output[-64 * 1024 :]:
            message = socket.recv(timeout=MINUTE)
            if isinstance(message, str):
                self.hear(json.loads(message))
            else:
                assert len(message) <= 16 * 1024
                self.output += message
                socket.send(json.dumps({"type": "ack", "offset": len(self.output)}))

    def hear(self, told: dict[str, Any]) -> None:
        if told["type"] == "hello":
            self.epochs.append(told["epoch"])
            assert told["gap"] == 0, "bytes were lost"
            assert told["offset"] == len(self.output), "bytes were lost or repeated"


@pytest.mark.parametrize("learner", ["instructor"], indirect=True)
def test_a_killed_web_process_loses_and_repeats_no_byte_of_an_open_terminal(stack: Stack, learner: Learner):
    learner.start(THREE_NODES)
    path = learner.ready()["nodes"][0]["terminal"]
    recording = Recording()
    with learner.terminal(path) as socket:
        socket.send(f"printf 'be''gin\\n'; seq 1 {LAST}; printf 'en''d\\n'\n".encode())
        recording.read(socket, b"\r\n20000\r\n")
        stack.kill("web", signal.SIGKILL)
        with pytest.raises(ConnectionClosed):
            recording.read(socket, b"no such output")
    with learner.terminal(path, offset=len(recording.output)) as socket:
        recording.read(socket, b"\r\nend\r\n")
    counted = bytes(recording.output).partition(b"begin\r\n")[2].partition(b"end\r\n")[0]
    assert counted.split() == [b"%d" % number for number in range(1, LAST + 1)]
    assert len(set(recording.epochs)) == 1, "the keeper was started anew"
    assert learner.look()["state"] == "ready"


@pytest.mark.parametrize("learner", ["editor"], indirect=True)
def test_a_node_removed_behind_our_back_is_made_again_and_the_others_go_on(stack: Stack, learner: Learner):
    learner.start(THREE_NODES)
    names = sorted(node["name"] for node in learner.ready()["nodes"])
    before = {c["Labels"]["yunlian.node"]: c["Id"] for c in stack.engine_objects("containers")}
    stack.remove_container(before[names[0]])

    def made_again() -> bool:
        now = {c["Labels"]["yunlian.node"]: c["Id"] for c in stack.engine_objects("containers")}
        return nodes_running(stack) == names and now.get(names[0], before[names[0]]) != before[names[0]]

    stack.wait_until(made_again, MINUTE, "the lost node running anew")
    after = {c["Labels"]["yunlian.node"]: c["Id"] for c in stack.engine_objects("containers")}
    assert {name: after[name] for name in names[1:]} == {name: before[name] for name in names[1:]}
    stack.wait_until(lambda: learner.is_in("ready"), MINUTE, "a ready sandbox")
    path = learner.look()["nodes"][0]["terminal"]
    recording = Recording()
    with learner.terminal(path) as socket:
        socket.send(b"echo still''here\n")
        recording.read(socket, b"stillhere")


@pytest.mark.parametrize("learner", ["employer"], indirect=True)
def test_a_broker_killed_while_a_lab_starts_costs_no_sandbox(stack: Stack, learner: Learner):
    learner.start(THREE_NODES)
    stack.kill("broker", signal.SIGKILL)
    assert len(learner.ready()["nodes"]) == 3
