"""A browser's end of the labs' websockets, in process."""

import asyncio
import json
from typing import Any

from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter

from labs.drivers.base import WINDOW_BYTES
from labs.routing import websocket_urlpatterns

application = URLRouter(websocket_urlpatterns)
OURS = (b"origin", b"http://testserver")


def bearer(token: str) -> tuple[bytes, bytes]:
    return (b"authorization", f"Bearer {token}".encode())


def cookie(client: Any) -> tuple[bytes, bytes]:
    """The session cookie of a signed-in test client."""
    return (b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())


class Socket(ApplicationCommunicator):
    """One websocket. channels.testing has its like, but imports a server that this product does not run on."""

    def __init__(
        self,
        path: str,
        *headers: tuple[bytes, bytes],
        host: bytes = b"testserver",
        application: Any = application,
    ) -> None:
        address, _mark, query = path.partition("?")
        scope = {
            "type": "websocket",
            "path": address,
            "query_string": query.encode(),
            "headers": [(b"host", host), *headers],
            "subprotocols": [],
        }
        super().__init__(application, scope)

    async def connect(self) -> int | None:
        """None when accepted, else the code it was refused with."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive(10)
        return None if answer["type"] == "websocket.accept" else answer["code"]

    async def receive(self, within_s: float) -> dict[str, Any]:
        """The next message; TimeoutError leaves the socket as it is."""
        getting = asyncio.ensure_future(self.output_queue.get())
        done, _rest = await asyncio.wait(
            {getting, self.future}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED
        )
        if getting not in done:
            getting.cancel()
            if self.future.done():
                self.future.result()
            raise TimeoutError
        return getting.result()

    async def send_text(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        await self.send_input({"type": "websocket.receive", "bytes": data})

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=10)


class Screen:
    """A client of the terminal protocol: knows its offset, acknowledges what it takes."""

    def __init__(self, path: str, *headers: tuple[bytes, bytes]) -> None:
        self.socket = Socket(path, *headers)
        self.offset = -1
        self.hello: dict[str, Any] = {}
        self.seen = bytearray()
        self.frames: list[dict[str, Any]] = []
        self.code: int | None = None

    async def __aenter__(self) -> "Screen":
        self.code = await self.socket.connect()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.socket.leave()

    async def take(self, *, within_s: float = 10, ack: bool = True) -> dict[str, Any] | bytes | int:
        """The next frame: output, a control frame, or the close code."""
        message = await self.socket.receive(within_s)
        if message["type"] == "websocket.close":
            self.code = message["code"]
            return self.code
        if message.get("bytes") is not None:
            self.seen += message["bytes"]
            self.offset += len(message["bytes"])
            if ack:
                await self.tell({"type": "ack", "offset": self.offset})
            return message["bytes"]
        frame = json.loads(message["text"])
        self.frames.append(frame)
        if frame["type"] == "hello":
            self.hello, self.offset = frame, frame["offset"]
        return frame

    async def until(self, text: bytes, **options: Any) -> None:
        """Frames are taken until ``text`` has been seen."""
        while text not in self.seen:
            taken = await self.take(**options)
            assert not isinstance(taken, int), f"closed with {taken} before {text!r} was seen"

    async def until_closed(self, **options: Any) -> int:
        while self.code is None:
            await self.take(**options)
        return self.code

    async def until_frame(self, kind: str, **options: Any) -> dict[str, Any]:
        while True:
            frame = await self.take(**options)
            assert not isinstance(frame, int), f"closed with {frame} before {kind}"
            if isinstance(frame, dict) and kind in {frame["type"], frame.get("kind")}:
                return frame

    async def type(self, text: str) -> None:
        await self.socket.send_bytes(text.encode())

    async def tell(self, frame: Any) -> None:
        await self.socket.send_text(json.dumps(frame))


__all__ = ["OURS", "WINDOW_BYTES", "Screen", "Socket", "bearer", "cookie"]
