"""Which address a name leads to, and whether it is one of the public network and not this host's own."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

RESOLVE_WAIT_S = 5.0
RESOLVING_AT_ONCE = 32
# Globally routable by their form, but they carry or reach an IPv4 address of whatever kind.
CARRIERS = tuple(
    ipaddress.ip_network(text)
    for text in ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Permits = Callable[[str], bool]


class NoSuchName(Exception):
    """The name leads nowhere."""


class PrivateAddress(Exception):
    """The name leads to an address that is not of the public network."""


def is_public(address: str) -> bool:
    """Whether anybody on the public network may have it, and this host has not."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    if known.version == 6 and (known.scope_id or any(known in network for network in CARRIERS)):
        return False
    if not known.is_global or known.is_multicast or known.is_reserved or known.is_unspecified:
        return False
    return not _is_own(known.version, address)


def _is_own(version: int, address: str) -> bool:
    """An address of this host is left by itself. Nothing is sent to find out."""
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return ipaddress.ip_address(probe.getsockname()[0]) == ipaddress.ip_address(address)
    return False


_threads = ThreadPoolExecutor(RESOLVING_AT_ONCE, thread_name_prefix="names")


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of ``host``, as this host's resolver tells them. Raises NoSuchName."""
    try:
        async with asyncio.timeout(RESOLVE_WAIT_S):
            found = await asyncio.get_running_loop().run_in_executor(_threads, _asked, host, port)
    except (OSError, UnicodeError, TimeoutError) as error:
        raise NoSuchName(host) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _asked(host: str, port: int) -> Sequence[tuple[object, object, object, object, tuple[object, ...]]]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


async def pinned(host: str, port: int, resolve: Resolve, permits: Permits) -> Sequence[str]:
    """The addresses to connect to: looked up once, checked, and not asked for again.

    A name one of whose addresses is private is refused whole. Raises NoSuchName or PrivateAddress.
    """
    found = await resolve(host, port)
    if not found:
        raise NoSuchName(host)
    if not all(permits(address) for address in found):
        raise PrivateAddress(host)
    return found
