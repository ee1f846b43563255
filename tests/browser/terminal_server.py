"""A node's terminal in memory that speaks docs/terminal-protocol.md, with cuts and restarts on request."""

import contextlib
import json
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

CHUNK_BYTES = 16 * 1024
WINDOW_BYTES = 256 * 1024


@dataclass
class TerminalServer:
    """``stream`` is all output ever; the first connections are cut after ``cuts`` bytes each, later ones never."""

    stream: bytes = b""
    epoch: str = "one"
    oldest: int = 0
    cuts: list[int] = field(default_factory=list)
    refuse_with: int | None = None
    is_away: bool = False
    offsets_asked: list[int] = field(default_factory=list)
    acks: list[int] = field(default_factory=list)
    resizes: list[tuple[int, int]] = field(default_factory=list)
    typed: bytes = b""
    most_unacknowledged: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    connections: list[ServerConnection] = field(default_factory=list)
    url: str = ""

    def say(self, output: bytes) -> None:
        with self.changed:
            self.stream += output
            self.changed.notify_all()

    def restart(self, output: bytes, epoch: str = "two") -> None:
        """A new life of the keeper, whose stream starts with ``output``; everybody is cut off."""
        with self.changed:
            self.stream, self.epoch, self.oldest = output, epoch, 0
            self.changed.notify_all()
        self.cut()

    def cut(self) -> None:
        """Every connection falls without a goodbye."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.socket.shutdown(2)

    def leave(self) -> None:
        """Everybody is cut off, and whoever comes is turned away until ``is_away`` is false again."""
        self.is_away = True
        self.cut()

    def send_text(self, frame: dict[str, Any]) -> None:
        for connection in list(self.connections):
            with contextlib.suppress(ConnectionClosed):
                connection.send(json.dumps(frame))

    def wait_until(self, condition: Any, seconds: float = 10) -> None:
        """Returns once ``condition()`` holds; fails after ``seconds``."""
        with self.changed:
            assert self.changed.wait_for(condition, seconds), "the client did not do it in time"

    def answer(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        query = parse_qs(urlsplit(connection.request.path).query)
        asked = int(query["offset"][0])
        with self.changed:
            self.offsets_asked.append(asked)
            self.connections.append(connection)
            self.changed.notify_all()
        if self.refuse_with is not None or self.is_away:
            with contextlib.suppress(ConnectionClosed):
                connection.close(self.refuse_with or 1012)
            with self.changed:
                self.connections.remove(connection)
            return
        start = asked if self.oldest <= asked <= len(self.stream) else self.oldest
        gap = start - asked if start > asked else 0
        connection.send(
            json.dumps(
                {"type": "hello", "epoch": self.epoch, "offset": start, "gap": gap, "cols": 80, "rows": 24}
            )
        )
        state = {"acked": start, "open": True, "epoch": self.epoch}
        reader = threading.Thread(target=self.listen, args=(connection, state), daemon=True)
        reader.start()
        try:
            self.pump(connection, start, state)
        except (ConnectionClosed, OSError):
            pass
        finally:
            connection.socket.close()
            reader.join(5)
            with self.changed:
                self.connections.remove(connection)
                self.changed.notify_all()

    def pump(self, connection: ServerConnection, at: int, state: dict[str, Any]) -> None:
        budget = self.cuts.pop(0) if self.cuts else None
        while chunk := self.next_chunk(at, state):
            if budget is not None and budget <= len(chunk):
                connection.send(chunk[:budget])
                return
            connection.send(chunk)
            at += len(chunk)
            budget = None if budget is None else budget - len(chunk)
            with self.changed:
                self.most_unacknowledged = max(self.most_unacknowledged, at - state["acked"])

    def next_chunk(self, at: int, state: dict[str, Any]) -> bytes:
        """What may be sent now, once something may; empty when the connection or its epoch is over."""

        def is_over() -> bool:
            return not state["open"] or self.epoch != state["epoch"]

        with self.changed:
            self.changed.wait_for(
                lambda: is_over() or (at < len(self.stream) and at - state["acked"] < WINDOW_BYTES)
            )
            room = min(CHUNK_BYTES, WINDOW_BYTES - (at - state["acked"]))
            return b"" if is_over() else self.stream[at : at + room]

    def listen(self, connection: ServerConnection, state: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):
            for message in connection:
                with self.changed:
                    self.heard(message, state)
                    self.changed.notify_all()
        with self.changed:
            state["open"] = False
            self.changed.notify_all()

    def heard(self, message: str | bytes, state: dict[str, Any]) -> None:
        if isinstance(message, bytes):
            self.typed += message
            return
        frame = json.loads(message)
        if frame["type"] == "ack":
            self.acks.append(frame["offset"])
            state["acked"] = max(state["acked"], frame["offset"])
        elif frame["type"] == "resize":
            self.resizes.append((frame["cols"], frame["rows"]))


@contextlib.contextmanager
def running_terminal(**settings: Any) -> Any:
    """A TerminalServer on a free port; its ``url`` is a websocket address."""
    terminal = TerminalServer(**settings)
    with serve(terminal.answer, "127.0.0.1", 0, compression=None, max_size=2**20) as server:
        host, port = server.socket.getsockname()
        terminal.url = f"ws://{host}:{port}/nodes/lb/terminals/1/"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield terminal
        finally:
            server.shutdown()
            terminal.cut()
            thread.join(5)
