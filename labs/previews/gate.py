"""The door of the previews: what is asked of one of their hosts never reaches the site, and nothing else reaches them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language_from_request, override

from labs.drivers.base import DriverError, PortClosed
from labs.engine import get_driver
from labs.previews import exchange, passes, sockets
from labs.previews.hosts import Target, is_preview, target_of
from labs.previews.passes import ENTER_PATH, NotPermitted, NotRunning, Way

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

connections_of: Counter[int] = Counter()


class TooMany(Exception):
    """This person has as many connections through previews as one may."""


class PreviewGate:
    """ASGI: previews by their host, ``site`` for everything else."""

    def __init__(self, site: Any) -> None:
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or not is_preview(_header(scope, b"host")):
            await self.site(scope, receive, send)
            return
        target = target_of(_header(scope, b"host"))
        if scope["type"] == "websocket":
            await _socket(scope, receive, send, target)
        elif target is None:
            await _say(scope, send, 404, "unknown")
        elif scope["path"] == ENTER_PATH:
            await _enter(scope, send, target)
        else:
            await _page(scope, receive, send, target)


async def _enter(scope: Scope, send: Send, target: Target) -> None:
    """The token of the address becomes the cookie of this host; the address bar keeps nothing of it."""
    token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
    try:
        cookie = await database_sync_to_async(passes.cookie_for)(token, target)
    except NotPermitted:
        await _say(scope, send, 403, "refused")
        return
    secure = "; Secure" if cookie_is_secure() else ""
    kept = f"{passes.cookie_name()}={cookie}; Path=/; HttpOnly; SameSite=Lax{secure}"
    headers = [
        (b"location", b"/"),
        (b"set-cookie", kept.encode()),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
    ]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def cookie_is_secure() -> bool:
    return passes.cookie_name().startswith("__Host-")


async def _page(scope: Scope, receive: Receive, send: Send, target: Target) -> None:
    try:
        way = await _permitted(scope, target, wakes=_is_visit(scope))
        with _Seat(way.person_id):
            door = await asyncio.to_thread(_open, target, way)
            await exchange.pass_on(scope, receive, send, door, target)
    except NotPermitted as error:
        await _say(scope, send, 403, "refused", error.session_id)
    except NotRunning:
        await _say(scope, send, 503, "not_running")
    except TooMany:
        await _say(scope, send, 503, "too_many")
    except PortClosed:
        await _say(scope, send, 502, "closed", target=target)
    except DriverError:
        await _say(scope, send, 503, "not_running")
    except exchange.BadRequest:
        await _say(scope, send, 400, "refused")
    except exchange.BadAnswer:
        await _say(scope, send, 502, "no_http", target=target)


async def _socket(scope: Scope, receive: Receive, send: Send, target: Target | None) -> None:
    """Refused before it is accepted, unless a page of this very preview asks for its learner."""
    await receive()
    try:
        if target is None or _header(scope, b"origin") != target.origin:
            raise NotPermitted
        way = await _permitted(scope, target)
        with _Seat(way.person_id):
            door = await asyncio.to_thread(_open, target, way)
            await sockets.pass_on(scope, receive, send, door, target, lambda: _permitted(scope, target))
    except (NotPermitted, NotRunning, TooMany, DriverError, sockets.Refused):
        await send({"type": "websocket.close", "code": 1008})


async def _permitted(scope: Scope, target: Target, *, wakes: bool = False) -> Way:
    cookie = _cookie(_header(scope, b"cookie"), passes.cookie_name())
    return await database_sync_to_async(passes.way_for)(cookie, target, wakes=wakes)


def _is_visit(scope: Scope) -> bool:
    """Whether somebody opens a page; what a page asks for by itself must not keep machines awake."""
    return _header(scope, b"sec-fetch-mode") == "navigate"


def _open(target: Target, way: Way) -> Any:
    return get_driver().open_port(target.ref, target.node, way.address, target.port)


class _Seat:
    def __init__(self, person_id: int) -> None:
        self.person_id = person_id

    def __enter__(self) -> None:
        if connections_of[self.person_id] >= settings.LABS_PREVIEW_CONNECTIONS:
            raise TooMany
        connections_of[self.person_id] += 1

    def __exit__(self, *_error: object) -> None:
        connections_of[self.person_id] -= 1
        if connections_of[self.person_id] <= 0:
            del connections_of[self.person_id]


async def _say(
    scope: Scope, send: Send, status: int, what: str, session_id: str = "", target: Target | None = None
) -> None:
    """A page of ours in place of the node's, which holds nothing that a node said."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = _header(scope, b"accept-language")
    language = get_language_from_request(request)
    with override(language):
        path = reverse("labs:session", args=[session_id]) if session_id else reverse("labs:catalogue")
        facts = {"what": what, "language": language, "target": target, "back": settings.PUBLIC_URL + path}
        page = render_to_string("labs/preview_problem.html", facts).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(page)).encode()),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", f"default-src 'none'; frame-ancestors {settings.PUBLIC_URL}".encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else page})


def _header(scope: Scope, name: bytes) -> str:
    """The header's value; empty when it is absent or sent twice (but cookies may come in parts)."""
    values = [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
    if name == b"cookie":
        return "; ".join(values)
    return values[0] if len(values) == 1 else ""


def _cookie(header: str, name: str) -> str:
    for part in header.split(";"):
        key, _equals, value = part.strip().partition("=")
        if key == name:
            return value
    return ""
