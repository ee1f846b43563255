"""Who stands behind a websocket, asked anew each time: a revoked token or a log-out closes open sockets, too."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.http.request import validate_host
from django.utils.translation import get_language_from_request

from community.api import User, person_with_token

Scope = dict[str, Any]


def header(scope: Scope, name: bytes) -> str:
    """The value of one header of the handshake; empty when it is absent or sent twice."""
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", [])
    values = [value for key, value in headers if key.lower() == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def comes_from_our_pages(scope: Scope) -> bool:
    """Whether Origin is this site. A handshake without Origin does not come from a page, so it does not."""
    origin = header(scope, b"origin").lower()
    if not origin or origin == "null":
        return False
    if origin == settings.PUBLIC_URL.lower():
        return True
    parts = urlsplit(origin)
    named = [host for host in settings.ALLOWED_HOSTS if host != "*"]
    same = parts.netloc == header(scope, b"host").lower()
    return parts.scheme in {"http", "https"} and same and validate_host(parts.hostname or "", named)


def may_knock(scope: Scope) -> bool:
    """Whether the handshake may go on: a bearer token, or the cookie of one of our own pages."""
    return bool(header(scope, b"authorization")) or comes_from_our_pages(scope)


async def person_behind(scope: Scope) -> User | None:
    """As ``person_of``, for who may not wait in a thread."""
    return await database_sync_to_async(person_of)(scope)


def person_of(scope: Scope) -> User | None:
    """The active person, by bearer token where one is given, else by session cookie."""
    authorization = header(scope, b"authorization")
    if authorization:
        scheme, _space, token = authorization.partition(" ")
        return person_with_token(token.strip()) if scheme.lower() == "bearer" else None
    key = parse_cookie(header(scope, b"cookie")).get(settings.SESSION_COOKIE_NAME)
    if not key or not comes_from_our_pages(scope):
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    person = get_user(request)
    return person if isinstance(person, User) and person.is_active else None


def language_of(scope: Scope, wished: str = "") -> str:
    """The language to speak: ``wished`` where the site has it, else by cookie, else by Accept-Language."""
    if wished in {code for code, _name in settings.LANGUAGES}:
        return wished
    request = HttpRequest()
    request.COOKIES = parse_cookie(header(scope, b"cookie"))
    request.META["HTTP_ACCEPT_LANGUAGE"] = header(scope, b"accept-language")
    return get_language_from_request(request)
