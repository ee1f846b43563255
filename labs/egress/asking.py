"""What a node's program asks of the proxy, and the words in which it is refused. Pure."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import h11

from labs.hops import of_this_hop
from labs.models.egress import Verdict

HEAD_BYTES = 32 * 1024
STATUS = {
    Verdict.NOT_LISTED: 403,
    Verdict.OTHER_PORT: 403,
    Verdict.PRIVATE: 403,
    Verdict.USED_UP: 429,
    Verdict.UNREADABLE: 400,
    Verdict.UNKNOWN: 502,
    Verdict.UNREACHABLE: 502,
}
WORDS = {
    Verdict.NOT_LISTED: "{host} is not on the list of this lab.",
    Verdict.OTHER_PORT: "The list of this lab does not allow port {port} of {host}.",
    Verdict.PRIVATE: "{host} leads to an address that is not of the public network.",
    Verdict.USED_UP: "This session has transferred as much as a session may.",
    Verdict.UNREADABLE: "Ask for http://host/path, or CONNECT host:port.",
    Verdict.UNKNOWN: "There is no such name: {host}.",
    Verdict.UNREACHABLE: "Nobody answers at {host}, port {port}.",
}


class Unreadable(ValueError):
    """No request that a proxy could follow."""


@dataclass(frozen=True)
class Wish:
    """Where a program wants to; ``path`` is empty for a tunnel."""

    method: str
    host: str
    port: int
    path: bytes = b""

    @property
    def is_tunnel(self) -> bool:
        return not self.path


def wish_of(request: h11.Request) -> Wish:
    """Raises Unreadable."""
    method, target = request.method.decode("ascii"), request.target.decode("latin-1")
    try:
        if method == "CONNECT":
            place = urlsplit(f"//{target}")
            if place.port is None or place.path or place.query or place.fragment:
                raise Unreadable(target)
            return Wish(method, _host(place.hostname), place.port)
        place = urlsplit(target)
        if place.scheme != "http":
            raise Unreadable(target)
        rest = target.split("//", 1)[1]
        path = rest[len(place.netloc) :].partition("#")[0]
        path = path if path.startswith("/") else f"/{path}"
        return Wish(method, _host(place.hostname), place.port or 80, path.encode("latin-1"))
    except ValueError as error:
        raise Unreadable(target) from error


def _host(name: str | None) -> str:
    """A name as the ledger keeps it; none that a resolver could read in another way than we do."""
    host = (name or "").lower().removesuffix(".")
    if (
        not host
        or len(host) > 253
        or not host.isascii()
        or not set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-._:")
    ):
        raise Unreadable(host)
    return host


def passed_on(request: h11.Request, wish: Wish) -> list[tuple[bytes, bytes]]:
    """The headers for the server: none of this hop, and the host that was judged."""
    dropped = of_this_hop(list(request.headers)) | {b"host", b"expect", b"content-length"}
    chunked = any(key == b"transfer-encoding" for key, _value in request.headers)
    length = [(key, value) for key, value in request.headers if key == b"content-length"]
    host = wish.host if wish.port == 80 else f"{wish.host}:{wish.port}"
    return [
        (b"host", host.encode()),
        *((key, value) for key, value in request.headers if key not in dropped),
        *([(b"transfer-encoding", b"chunked")] if chunked else length),
        (b"connection", b"close"),
    ]


def passed_back(response: h11.Response) -> list[tuple[bytes, bytes]]:
    dropped = of_this_hop(list(response.headers))
    kept = [(key, value) for key, value in response.headers if key not in dropped]
    return [*kept, (b"connection", b"close")]


def refusal(verdict: Verdict, wish: Wish | None) -> tuple[h11.Response, bytes]:
    host, port = (wish.host, wish.port) if wish else ("", 0)
    body = f"Yunlian: {WORDS[verdict].format(host=host, port=port)}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-yunlian-egress", verdict.value.encode()),
        (b"connection", b"close"),
    ]
    status = STATUS[verdict]
    return h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode()), body
