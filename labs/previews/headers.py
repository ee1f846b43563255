"""What of a request goes on to a node, and what of its answer comes back. Pure."""

from collections.abc import Iterable, Sequence

from labs.hops import of_this_hop

Headers = list[tuple[bytes, bytes]]

# Said anew by us, or the business of the hop before.
REPLACED = {b"host", b"expect", b"forwarded", b"x-real-ip", b"http2-settings"}
# Of a handshake: the library makes its own.
HANDSHAKE = b"sec-websocket-"
# These would reach beyond the preview's own host, into the site's cookies and connections.
REACHING_OUT = {
    b"alt-svc",
    b"clear-site-data",
    b"public-key-pins",
    b"report-to",
    b"reporting-endpoints",
    b"nel",
    b"strict-transport-security",
}


def to_node(
    headers: Sequence[tuple[bytes, bytes]], *, host: str, scheme: str, client: str, ours: Iterable[str]
) -> Headers:
    """The headers a node is sent: none of this hop, none of the site's cookies (``ours``), who asks told by us."""
    dropped = of_this_hop(headers) | REPLACED
    kept = [
        (name, value)
        for name, value in headers
        if name.lower() not in dropped and not name.lower().startswith((b"x-forwarded-", HANDSHAKE))
    ]
    cookies = _cookies([value for name, value in kept if name.lower() == b"cookie"], ours)
    kept = [(name, value) for name, value in kept if name.lower() != b"cookie"]
    return [
        (b"host", host.encode()),
        *kept,
        *([(b"cookie", cookies)] if cookies else []),
        (b"x-forwarded-for", client.encode()),
        (b"x-forwarded-host", host.encode()),
        (b"x-forwarded-proto", scheme.encode()),
    ]


def from_node(headers: Sequence[tuple[bytes, bytes]], *, site: str, ours: Iterable[str]) -> Headers:
    """The headers a visitor is sent: cookies for this host alone, and only the site may frame it."""
    dropped = of_this_hop(headers) | REACHING_OUT
    kept: Headers = []
    for name, value in headers:
        lower = name.lower()
        if lower == b"set-cookie":
            cookie = _own_cookie(value, ours)
            if cookie:
                kept.append((lower, cookie))
        elif lower not in dropped:
            kept.append((lower, value))
    return [*kept, (b"content-security-policy", f"frame-ancestors {site}".encode())]


def _cookies(values: Iterable[bytes], ours: Iterable[str]) -> bytes:
    names = {name.encode() for name in ours}
    parts = [part.strip() for value in values for part in value.split(b";")]
    return b"; ".join(part for part in parts if part and part.partition(b"=")[0].strip() not in names)


def _own_cookie(value: bytes, ours: Iterable[str]) -> bytes:
    """``value`` without a Domain, so that no host above gets it; nothing when it has a name of ours."""
    first, *attributes = value.split(b";")
    if first.partition(b"=")[0].strip() in {name.encode() for name in ours}:
        return b""
    kept = [part for part in attributes if part.partition(b"=")[0].strip().lower() != b"domain"]
    return b";".join([first, *kept])
