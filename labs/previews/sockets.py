"""One websocket between a page of a preview and a port of a node: messages both ways, as they come."""

import asyncio
from collections.abc import Awaitable, Callable
from socket import socket
from typing import Any

from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.typing import Subprotocol

from labs.previews import headers
from labs.previews.exchange import site_cookies
from labs.previews.hosts import Target

MESSAGE_BYTES = 1024 * 1024
OPENING_S = 20
GOING_AWAY, UNSPEAKABLE, ERROR, NOT_ALLOWED = 1001, {1005, 1006, 1015}, 1011, 1008


class Refused(Exception):
    """The program of the node takes no websocket there."""


class _Straight(connect):
    """Never led elsewhere: a redirect would make the web process connect to whatever the node names."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def pass_on(
    scope: Any, receive: Any, send: Any, door: socket, target: Target, ask_again: Callable[[], Awaitable[Any]]
) -> None:
    """Until either side closes or ``ask_again`` raises. Raises Refused while nothing was accepted yet."""
    door.setblocking(False)
    node = await _connected(scope, door, target)
    try:
        await send({"type": "websocket.accept", "subprotocol": node.subprotocol})
        tasks = [
            asyncio.create_task(work)
            for work in (_to_node(receive, node), _from_node(send, node), _permission(ask_again))
        ]
        try:
            done, _rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            code = next((task.result() for task in done if not task.exception()), NOT_ALLOWED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if code is not None:
            await send({"type": "websocket.close", "code": code})
    finally:
        await node.close(GOING_AWAY)


async def _connected(scope: Any, door: socket, target: Target) -> ClientConnection:
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    passed = headers.to_node(
        scope["headers"],
        host=target.host,
        scheme="https" if scope["scheme"] == "wss" else "http",
        client=(scope.get("client") or ("",))[0],
        ours=site_cookies(),
    )
    try:
        return await _Straight(
            f"ws://{target.host}{path}" + (f"?{query}" if query else ""),
            sock=door,
            subprotocols=[Subprotocol(name) for name in scope.get("subprotocols", [])] or None,
            additional_headers=[
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in passed if name != b"host"
            ],
            compression=None,
            max_size=MESSAGE_BYTES,
            open_timeout=OPENING_S,
            ping_interval=None,
            close_timeout=2,
            user_agent_header=None,
            proxy=None,
        )
    except (OSError, InvalidHandshake, InvalidMessage, TimeoutError, ValueError, ConnectionClosed) as error:
        door.close()
        raise Refused from error


async def _to_node(receive: Any, node: ClientConnection) -> int | None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return None
        try:
            await node.send(message["bytes"] if message.get("bytes") is not None else message["text"])
        except ConnectionClosed as closed:
            return _code(closed)


async def _from_node(send: Any, node: ClientConnection) -> int | None:
    while True:
        try:
            said = await node.recv()
        except ConnectionClosed as closed:
            return _code(closed)
        kind = "text" if isinstance(said, str) else "bytes"
        await send({"type": "websocket.send", kind: said})


async def _permission(ask_again: Callable[[], Awaitable[Any]]) -> None:
    while True:
        await asyncio.sleep(settings.LABS_SOCKET_RECHECK_SECONDS)
        await ask_again()


def _code(closed: ConnectionClosed) -> int:
    code = closed.rcvd.code if closed.rcvd else ERROR
    return ERROR if code in UNSPEAKABLE else code
