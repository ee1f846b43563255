"""One HTTP exchange with a port of a node: both bodies are passed on as they come, none is kept."""

import asyncio
from contextlib import suppress
from socket import socket
from typing import Any

import h11
from django.conf import settings

from labs.previews import headers, passes
from labs.previews.hosts import Target

READ_BYTES = 64 * 1024
HEADERS_BYTES = 64 * 1024


class BadRequest(Exception):
    """No request that could be passed on."""


class BadAnswer(Exception):
    """The program of the node hung up or said no HTTP, before anything was passed on."""


class VisitorGone(Exception):
    """Nobody waits for the answer any more."""


def site_cookies() -> set[str]:
    """The names that belong to the site or to us and that no node gets to see or set."""
    return {
        settings.SESSION_COOKIE_NAME,
        settings.CSRF_COOKIE_NAME,
        settings.LANGUAGE_COOKIE_NAME,
        "messages",
        passes.cookie_name(),
    }


async def pass_on(scope: Any, receive: Any, send: Any, door: socket, target: Target) -> None:
    """Raises BadRequest or BadAnswer while nothing was sent yet; an answer that breaks off later breaks off here too."""
    door.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=door, limit=READ_BYTES)
    try:
        await _Exchange(scope, receive, send, reader, writer, target).run()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


class _Exchange:
    def __init__(
        self,
        scope: Any,
        receive: Any,
        send: Any,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        target: Target,
    ) -> None:
        self.scope, self.receive, self.send, self.target = scope, receive, send, target
        self.reader, self.writer = reader, writer
        self.talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADERS_BYTES)
        self.begun = False

    async def run(self) -> None:
        await self.ask()
        asking = asyncio.create_task(self.send_body())
        answering = asyncio.create_task(self.take_answer())
        try:
            await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
            else:
                asking.result()
        except VisitorGone:
            return
        finally:
            for task in (asking, answering):
                task.cancel()
            await asyncio.gather(asking, answering, return_exceptions=True)

    async def ask(self) -> None:
        scope = self.scope
        path = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"]
        passed = headers.to_node(
            scope["headers"],
            host=self.target.host,
            scheme=scope["scheme"],
            client=(scope.get("client") or ("",))[0],
            ours=site_cookies(),
        )
        names = {name.lower(): value for name, value in scope["headers"]}
        if b"content-length" not in names and b"transfer-encoding" in names:
            passed.append((b"transfer-encoding", b"chunked"))
        passed.append((b"connection", b"close"))
        try:
            request = h11.Request(
                method=scope["method"], target=path + (b"?" + query if query else b""), headers=passed
            )
            data = self.talk.send(request)
        except h11.LocalProtocolError as error:
            raise BadRequest from error
        await self.write(data)

    async def send_body(self) -> None:
        """Ends only with VisitorGone: after the body, the visitor's leaving is waited for."""
        listening = True
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise VisitorGone
            if not listening:
                continue
            try:
                if message.get("body"):
                    await self.write(self.talk.send(h11.Data(message["body"])))
                if not message.get("more_body"):
                    listening = False
                    await self.write(self.talk.send(h11.EndOfMessage()))
            except (OSError, h11.LocalProtocolError):
                # A program may answer before it has read all, and then read no more.
                listening = False

    async def write(self, data: bytes | None) -> None:
        if data:
            self.writer.write(data)
            await self.writer.drain()

    async def take_answer(self) -> None:
        try:
            while True:
                event = await self.next_event()
                if isinstance(event, h11.Response):
                    await self.begin(event)
                elif isinstance(event, h11.Data):
                    await self.say(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    await self.say(b"", more=False)
                    return
                elif not isinstance(event, h11.InformationalResponse):
                    raise BadAnswer
        except (OSError, TimeoutError, h11.RemoteProtocolError) as error:
            if not self.begun:
                raise BadAnswer from error

    async def next_event(self) -> Any:
        while (event := self.talk.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(settings.LABS_PREVIEW_IDLE_SECONDS):
                data = await self.reader.read(READ_BYTES)
            self.talk.receive_data(data)
        return event

    async def begin(self, answer: h11.Response) -> None:
        passed = headers.from_node(list(answer.headers), site=settings.PUBLIC_URL, ours=site_cookies())
        self.begun = True
        await self.send({"type": "http.response.start", "status": answer.status_code, "headers": passed})

    async def say(self, body: bytes, *, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})
