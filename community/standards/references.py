"""The one thread through the product: a clause reference, held as a value by lessons, checks, questions, credentials."""

import re
from dataclasses import dataclass

REFERENCE = re.compile(
    r"^(?P<standard>[a-z0-9][a-z0-9-]*):(?P<edition>[0-9a-z][0-9a-z.-]*):(?P<clause>[a-z][a-z0-9-]*)$"
)


@dataclass(frozen=True, order=True)
class ClauseReference:
    """Standard, edition and clause id, written ``yl-t-001:2026:network-isolation``.

    The clause id is the author's stable anchor, not the printed number, which changes when clauses move.
    """

    standard: str
    edition: str
    clause: str

    def __str__(self) -> str:
        return f"{self.standard}:{self.edition}:{self.clause}"

    @classmethod
    def parse(cls, text: str) -> "ClauseReference":
        """The reference written in ``text``. Raises ValueError with the expected form."""
        match = REFERENCE.match(text.strip())
        if match is None:
            raise ValueError(
                f"{text!r} is no clause reference; write standard:edition:clause, e.g. yl-t-001:2026:scope"
            )
        return cls(**match.groupdict())


@dataclass(frozen=True)
class ClauseLink:
    """Where a reference leads in one language: printed number, title and address."""

    reference: ClauseReference
    number: str
    title: str
    standard_title: str
    url: str
