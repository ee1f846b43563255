"""The measurements' own arithmetic; what they measure is never asserted."""

import json
import socket
import struct
import threading
from types import SimpleNamespace

import pytest

import bench.exams
import bench.labs
from bench.figures import Figure, percentile
from bench.learners import Learner, Screen
from bench.running import modules, summary
from bench.spares import LABS, machines, memory_mib


@pytest.mark.parametrize(
    ("figure", "ratio", "target", "met"),
    [
        (Figure("start ms", 110, 100, at_most=1.1), 1.1, "<= 1.1", True),
        (Figure("start ms", 111, 100, at_most=1.1), 1.11, "<= 1.1", False),
        (Figure("throughput MiB/s", 90, 40, at_least=2), 2.25, ">= 2", True),
        (Figure("sandboxes per GiB", 150, at_least=200), None, ">= 200", False),
        (Figure("load", 3.2), None, None, None),
    ],
)
def test_a_figure_says_whether_its_target_is_met(figure, ratio, target, met):
    told = json.loads(figure.line())
    assert (told["ratio"], told["target"], told["met"]) == (ratio, target, met)
    assert set(told) == {"metric", "value", "reference", "ratio", "target", "met"}


def test_a_percentile_is_one_of_the_samples():
    samples = [float(number) for number in range(1, 101)]
    assert [percentile(samples, percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert percentile([7.0], 99) == 7.0


def test_the_summary_names_what_missed_its_target():
    figures = [
        Figure("start ms", 110, 100, at_most=1.1),
        Figure("echo ms", 9, 3, at_most=2),
        Figure("load", 3.2),
    ]
    assert summary(figures) == "1 of 2 targets met; missed: echo ms"
    assert summary(figures[:1]) == "1 of 1 targets met"


def test_every_measurement_is_found_by_its_name():
    assert "starts" in modules(bench.labs)
    assert "item_analysis" in modules(bench.exams)


HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def frame(kind: int, body: bytes) -> bytes:
    if len(body) < 126:
        return bytes([0x80 | kind, len(body)]) + body
    return struct.pack("!BBH", 0x80 | kind, 126, len(body)) + body


@pytest.fixture
def says():
    """A server that says ``parts`` to whoever comes and hangs up; called, it gives a screen that looks at it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threads, screens = [], []

        def serve(parts):
            visitor, _address = server.accept()
            with visitor:
                while not visitor.recv(4096).endswith(b"\r\n\r\n"):
                    pass
                for part in parts:
                    visitor.sendall(part)

        def screen(*parts):
            threads.append(threading.Thread(target=serve, args=[parts]))
            threads[-1].start()
            product = SimpleNamespace(url=f"http://127.0.0.1:{server.getsockname()[1]}")
            screens.append(Screen(Learner(product, "token"), "/ws/"))
            return screens[-1]

        yield screen
        for one in screens:
            one.close()
        for thread in threads:
            thread.join()


def test_a_prompt_is_found_however_the_frames_are_cut(says):
    whole = HEAD + frame(1, b'{"type": "hello"}') + frame(2, b"x" * 300 + b"$") + frame(2, b" and more")
    for size in (1, 7, len(whole)):
        parts = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert says(*parts).read_until(b"x$ ").endswith(b"x$ and more")


@pytest.mark.parametrize(
    "parts",
    [
        [b"HTTP/1.1 403 Forbidden\r\n\r\n"],
        [HEAD, frame(8, struct.pack("!H", 4404))],
        [HEAD, frame(2, b"no prompt")],
    ],
)
def test_a_terminal_that_is_refused_or_ends_is_no_figure(says, parts):
    with pytest.raises(ConnectionError):
        says(*parts).read_until(b"$ ")


def test_the_host_has_the_memory_of_the_spares_and_no_more():
    assert [len(machines(slug)) for slug in LABS] == [1, 3]
    assert memory_mib(2) == 2 * memory_mib(1) > 0
