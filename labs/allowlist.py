"""Which hosts and ports a lab lets its programs reach: what its ``egress`` may say, and what that lets pass. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

PORTS = frozenset({80, 443})
LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
ENTRY = re.compile(rf"(?P<any>\*\.)?(?P<name>{LABEL}(?:\.{LABEL})+)(?::(?P<port>[1-9][0-9]{{0,4}}))?")
LONGEST_NAME = 253
# Names that mean this host, its network or the network's own machines wherever they are asked.
PRIVATE = frozenset(
    {"localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "arpa"}
)


class BadEntry(ValueError):
    """An entry that no lab may have; the message says why."""


class Found(Enum):
    LISTED = "listed"
    OTHER_PORT = "other_port"
    NOT_LISTED = "not_listed"


@dataclass(frozen=True)
class Entry:
    """A host by name, or with ``below`` every host below it; both ports of the web where none is named."""

    name: str
    below: bool = False
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Entry":
        """Raises BadEntry."""
        match = ENTRY.fullmatch(text)
        if match is None:
            raise BadEntry(f"{text!r} is no host: write example.org, *.example.org or example.org:8443")
        name, port = match["name"], int(match["port"]) if match["port"] else None
        if len(name) > LONGEST_NAME:
            raise BadEntry(f"{text!r} is longer than a name may be")
        last = name.rpartition(".")[2]
        if last.isdigit():
            raise BadEntry(f"{text!r} is an address; name the host")
        if last in PRIVATE:
            raise BadEntry(f"{text!r} is a private name; only hosts of the public network can be reached")
        if port is not None and port > 65_535:
            raise BadEntry(f"{text!r}: there is no port {port}")
        return cls(name, bool(match["any"]), port)

    def names(self, host: str) -> bool:
        return host.endswith(f".{self.name}") if self.below else host == self.name

    def opens(self, port: int) -> bool:
        return port in PORTS if self.port is None else port == self.port


def parse(entries: Iterable[str]) -> tuple[Entry, ...]:
    """Raises BadEntry."""
    return tuple(Entry.parse(text) for text in entries)


def find(entries: Iterable[Entry], host: str, port: int) -> Found:
    """What the list says of ``host``, in whatever case it is written and with or without a last dot."""
    asked = host.lower().removesuffix(".")
    naming = [entry for entry in entries if entry.names(asked)]
    if any(entry.opens(port) for entry in naming):
        return Found.LISTED
    return Found.OTHER_PORT if naming else Found.NOT_LISTED
