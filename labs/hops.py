"""Which headers of HTTP/1.1 mean the connection they came by, and must not be passed on (RFC 9110, section 7.6.1). Pure."""

from collections.abc import Sequence

ALWAYS = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)


def of_this_hop(headers: Sequence[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """The names, in lower case: those that always do, and those that ``headers`` itself names in Connection."""
    return ALWAYS | {
        word.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for word in value.split(b",")
    }
