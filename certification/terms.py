"""What a table of plain terms is made of; the tables themselves are in certification.shapes."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = "str | bool | list[Json] | dict[str, Json]"

LONGEST_TEXT = 8_000
LONGEST_IRI = 600

XSD = "http://www.w3.org/2001/XMLSchema#"
XSD_OF_BADGES = "https://www.w3.org/2001/XMLSchema#"


class Kind(StrEnum):
    """How a term's value is written."""

    TEXT = "text"
    MOMENT = "moment"
    IRI = "iri"
    TRUTH = "truth"
    NODE = "node"


@dataclass(frozen=True)
class Term:
    """The meaning of one plain term: its IRI, how its value is written, whether it is a list or may be left out."""

    iri: str
    kind: Kind = Kind.TEXT
    datatype: str = f"{XSD}string"
    shape: "Shape | None" = None
    many: bool = False
    optional: bool = False
    choices: frozenset[str] = frozenset()
    longest: int = LONGEST_TEXT


@dataclass(frozen=True)
class Shape:
    """One node: its types exactly as written, whether it has an id, and its terms."""

    types: tuple[tuple[str, str], ...] = ()
    types_listed: bool = True
    identified: bool = True
    terms: dict[str, Term] = field(default_factory=dict)

    @property
    def written_type(self) -> Json:
        names: list[Json] = [name for name, _ in self.types]
        return names if self.types_listed else names[0]


@dataclass(frozen=True)
class Form:
    """A whole kind of document: its contexts, exactly, and its root node."""

    contexts: tuple[str, ...]
    root: Shape


def node(iri: str, shape: Shape, *, many: bool = False, optional: bool = False) -> Term:
    return Term(iri, Kind.NODE, shape=shape, many=many, optional=optional)


def moment(iri: str, *, optional: bool = False) -> Term:
    return Term(iri, Kind.MOMENT, f"{XSD}dateTime", optional=optional)


def link(iri: str, *, optional: bool = False) -> Term:
    return Term(iri, Kind.IRI, optional=optional)


def address(iri: str, *, optional: bool = False) -> Term:
    """A URL that the badge context writes as a typed literal, not as a node."""
    return Term(iri, datatype=f"{XSD_OF_BADGES}anyURI", optional=optional, longest=LONGEST_IRI)
