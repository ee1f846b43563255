"""What a credential may look like: one table of plain terms that both refuses everything else and yields the RDF.

The published JSON-LD contexts give every plain term one meaning. The tables below state the meaning of the terms that
this product signs. Since nothing outside the tables is read, a term spelt as a full IRI, an alias or an inline context
never reaches the signature; since the quads come from the same walk that checks the form, what is checked is what was
signed. tests/certification compares the quads with those that the published contexts give in an independent processor.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from pyoxigraph import BlankNode, Literal, NamedNode, Quad

from certification.terms import (
    LONGEST_IRI,
    XSD_OF_BADGES,
    Form,
    Json,
    Kind,
    Shape,
    Term,
    address,
    link,
    moment,
    node,
)

CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"

LARGEST_BYTES = 65_536
MOST_BRACKETS = 400
MOST_ITEMS = 64

VC = "https://www.w3.org/2018/credentials#"
STATUS = "https://www.w3.org/ns/credentials/status#"
SECURITY = "https://w3id.org/security#"
BADGES = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#"
SCHEMA = "https://schema.org/"
RDF_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")

IRI = re.compile(r"(?:https?://|urn:uuid:|did:web:)[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Joiners that names in living scripts are written with.
ALLOWED_FORMATS = frozenset("\u200c\u200d")


class Fault(StrEnum):
    """Why a document was not even looked at further."""

    TOO_LARGE = "too large"
    NOT_JSON = "not json"
    DUPLICATE_KEY = "duplicate key"
    NUMBER = "number"
    CONTEXT = "context"
    UNKNOWN_TERM = "unknown term"
    MISSING_TERM = "missing term"
    TYPE = "type"
    VALUE = "value"
    CHARACTER = "character"
    SHARED_ID = "shared id"
    PROOFS = "proofs"


class FormError(ValueError):
    """The document is not in the one form that is signed here; ``path`` says where."""

    def __init__(self, fault: Fault, path: str = "") -> None:
        super().__init__(f"{fault.value} at {path or 'the document'}")
        self.fault = fault
        self.path = path


LANGUAGES = frozenset({"zh-Hans", "en"})
NAME = Term(f"{SCHEMA}name", longest=400)
DESCRIPTION = Term(f"{SCHEMA}description")

PROFILE = Shape(
    types=(("Profile", f"{BADGES}Profile"),),
    terms={"name": NAME, "url": address(f"{SCHEMA}url")},
)
IDENTITY = Shape(
    types=(("IdentityObject", f"{BADGES}IdentityObject"),),
    types_listed=False,
    identified=False,
    terms={
        "hashed": Term(f"{BADGES}hashed", Kind.TRUTH, f"{XSD_OF_BADGES}boolean"),
        "identityHash": Term(f"{BADGES}identityHash", longest=200),
        "identityType": Term(f"{BADGES}identityType", choices=frozenset({"name"})),
    },
)
ALIGNMENT = Shape(
    types=(("Alignment", f"{SCHEMA}AlignmentObject"),),
    identified=False,
    terms={
        "targetCode": Term(f"{BADGES}targetCode", longest=200),
        "targetFramework": Term(f"{SCHEMA}targetFramework", longest=400),
        "targetName": Term(f"{SCHEMA}targetName", longest=400),
        "targetUrl": address(f"{SCHEMA}targetUrl"),
    },
)
RELATED = Shape(
    types=(("Related", f"{BADGES}Related"),),
    terms={"inLanguage": Term(f"{SCHEMA}inLanguage", choices=LANGUAGES)},
)
CRITERIA = Shape(terms={"narrative": Term(f"{BADGES}narrative")})
ACHIEVEMENT = Shape(
    types=(("Achievement", f"{BADGES}Achievement"),),
    terms={
        "achievementType": Term(f"{BADGES}achievementType", choices=frozenset({"Certificate"})),
        "alignment": node(f"{BADGES}alignment", ALIGNMENT, many=True, optional=True),
        # The published context maps the term ``criteria`` to the class's IRI; that is what everybody signs.
        "criteria": node(f"{BADGES}Criteria", CRITERIA),
        "description": DESCRIPTION,
        "inLanguage": Term(f"{SCHEMA}inLanguage", choices=LANGUAGES),
        "name": NAME,
        "related": node(f"{BADGES}related", RELATED, many=True, optional=True),
    },
)
SUBJECT = Shape(
    types=(("AchievementSubject", f"{BADGES}AchievementSubject"),),
    terms={
        "achievement": node(f"{BADGES}achievement", ACHIEVEMENT),
        "identifier": node(f"{BADGES}identifier", IDENTITY, many=True),
    },
)
EVIDENCE = Shape(
    types=(("Evidence", f"{BADGES}Evidence"),),
    terms={
        "genre": Term(f"{SCHEMA}genre", longest=100),
        "name": NAME,
        "narrative": Term(f"{BADGES}narrative"),
    },
)
STATUS_ENTRY = Shape(
    types=(("BitstringStatusListEntry", f"{STATUS}BitstringStatusListEntry"),),
    types_listed=False,
    terms={
        "statusListCredential": link(f"{STATUS}statusListCredential"),
        "statusListIndex": Term(f"{STATUS}statusListIndex", longest=7),
        "statusPurpose": Term(f"{STATUS}statusPurpose", choices=frozenset({"revocation"})),
    },
)
PROOF = Shape(
    types=(("DataIntegrityProof", f"{SECURITY}DataIntegrityProof"),),
    types_listed=False,
    identified=False,
    terms={
        "created": moment("http://purl.org/dc/terms/created"),
        "cryptosuite": Term(
            f"{SECURITY}cryptosuite",
            datatype=f"{SECURITY}cryptosuiteString",
            choices=frozenset({"eddsa-rdfc-2022"}),
        ),
        "proofPurpose": Term(f"{SECURITY}proofPurpose", Kind.IRI, choices=frozenset({"assertionMethod"})),
        "verificationMethod": link(f"{SECURITY}verificationMethod"),
    },
)
BADGE = Form(
    contexts=(CREDENTIALS_V2, OPEN_BADGES),
    root=Shape(
        types=(
            ("VerifiableCredential", f"{VC}VerifiableCredential"),
            ("OpenBadgeCredential", f"{BADGES}OpenBadgeCredential"),
        ),
        terms={
            "credentialStatus": node(f"{VC}credentialStatus", STATUS_ENTRY),
            "credentialSubject": node(f"{VC}credentialSubject", SUBJECT),
            "description": DESCRIPTION,
            "evidence": node(f"{VC}evidence", EVIDENCE, many=True, optional=True),
            "issuer": node(f"{VC}issuer", PROFILE),
            "name": NAME,
            "validFrom": moment(f"{VC}validFrom"),
            "validUntil": moment(f"{VC}validUntil", optional=True),
        },
    ),
)
STATUS_LIST = Form(
    contexts=(CREDENTIALS_V2,),
    root=Shape(
        types=(
            ("VerifiableCredential", f"{VC}VerifiableCredential"),
            ("BitstringStatusListCredential", f"{STATUS}BitstringStatusListCredential"),
        ),
        terms={
            "credentialSubject": node(
                f"{VC}credentialSubject",
                Shape(
                    types=(("BitstringStatusList", f"{STATUS}BitstringStatusList"),),
                    types_listed=False,
                    terms={
                        "encodedList": Term(
                            f"{STATUS}encodedList", datatype=f"{SECURITY}multibase", longest=32_768
                        ),
                        "statusPurpose": Term(
                            f"{STATUS}statusPurpose", choices=frozenset({"revocation", "suspension"})
                        ),
                    },
                ),
            ),
            "issuer": link(f"{VC}issuer"),
            "validFrom": moment(f"{VC}validFrom"),
            "validUntil": moment(f"{VC}validUntil"),
        },
    ),
)


def read(text: str | bytes) -> dict[str, Json]:
    """The JSON object in ``text``, read strictly and within fixed cost. Raises FormError.

    No duplicate key, no number, at most 64 KiB and 400 brackets, so neither the reader nor anything behind it can be
    made to work long.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > LARGEST_BYTES or data.count(b"{") + data.count(b"[") > MOST_BRACKETS:
        raise FormError(Fault.TOO_LARGE)
    try:
        document = json.loads(
            data.decode(),
            object_pairs_hook=_without_duplicates,
            parse_int=_refuse_number,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except FormError:
        raise
    except (ValueError, RecursionError) as error:
        raise FormError(Fault.NOT_JSON) from error
    if not isinstance(document, dict):
        raise FormError(Fault.NOT_JSON)
    return document


def _without_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise FormError(Fault.DUPLICATE_KEY)
    return members


def _refuse_number(_: str) -> Json:
    raise FormError(Fault.NUMBER)


def statements(document: dict[str, Json], form: Form) -> list[Quad]:
    """The RDF that ``document`` says, in no order. Raises FormError unless it has exactly the given form."""
    if document.get("@context") != list(form.contexts):
        raise FormError(Fault.CONTEXT, "@context")
    members = {key: value for key, value in document.items() if key != "@context"}
    return list(_Walk().node(members, form.root, "")[1])


def proof_statements(proof: dict[str, Json]) -> list[Quad]:
    """The RDF of proof options (a proof without its value). Raises FormError."""
    return list(_Walk().node(proof, PROOF, "proof")[1])


def well_written(text: str) -> bool:
    """Whether ``text`` holds only characters that everybody sees: no control, direction or private ones."""
    return all(
        unicodedata.category(character) not in REFUSED_CATEGORIES or character in ALLOWED_FORMATS
        for character in text
    )


def written_plainly(text: str) -> str:
    """``text`` with what cannot be signed taken out: one line, normal form, no invisible characters."""
    spaced = "".join(" " if character.isspace() else character for character in text)
    kept = "".join(character for character in spaced if well_written(character))
    return unicodedata.normalize("NFC", " ".join(kept.split()))


class _Walk:
    """One pass over a document: every node checked against its shape, every id used by one node only."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def node(self, members: Json, shape: Shape, path: str) -> tuple[NamedNode | BlankNode, Iterator[Quad]]:
        if not isinstance(members, dict):
            raise FormError(Fault.VALUE, path)
        allowed = (
            set(shape.terms) | ({"id"} if shape.identified else set()) | ({"type"} if shape.types else set())
        )
        if unknown := members.keys() - allowed:
            raise FormError(Fault.UNKNOWN_TERM, f"{path}.{min(unknown)}"[:120].lstrip("."))
        required = allowed - {name for name, term in shape.terms.items() if term.optional}
        if missing := required - members.keys():
            raise FormError(Fault.MISSING_TERM, f"{path}.{min(missing)}".lstrip("."))
        if shape.types and members["type"] != shape.written_type:
            raise FormError(Fault.TYPE, f"{path}.type".lstrip("."))
        subject = self.name(members["id"], f"{path}.id".lstrip(".")) if shape.identified else BlankNode()
        return subject, self.quads(subject, members, shape, path)

    def name(self, value: Json, path: str) -> NamedNode:
        iri = _iri(value, path)
        if iri.value in self.seen:
            raise FormError(Fault.SHARED_ID, path)
        self.seen.add(iri.value)
        return iri

    def quads(
        self, subject: NamedNode | BlankNode, members: dict[str, Json], shape: Shape, path: str
    ) -> Iterator[Quad]:
        for _, iri in shape.types:
            yield Quad(subject, RDF_TYPE, NamedNode(iri))
        for name, term in shape.terms.items():
            if name not in members:
                continue
            place = f"{path}.{name}".lstrip(".")
            for value in _values(members[name], term, place):
                yield from self.statement(subject, term, value, place)

    def statement(self, subject: NamedNode | BlankNode, term: Term, value: Json, path: str) -> Iterator[Quad]:
        predicate = NamedNode(term.iri)
        if term.shape is not None:
            target, below = self.node(value, term.shape, path)
            yield Quad(subject, predicate, target)
            yield from below
        else:
            yield Quad(subject, predicate, _value(term, value, path))


def _values(value: Json, term: Term, path: str) -> list[Json]:
    if not term.many:
        return [value]
    if not isinstance(value, list) or not 0 < len(value) <= MOST_ITEMS:
        raise FormError(Fault.VALUE, path)
    if any(item in value[:place] for place, item in enumerate(value)):
        raise FormError(Fault.VALUE, path)
    return value


def _value(term: Term, value: Json, path: str) -> NamedNode | Literal:
    if term.kind is Kind.TRUTH:
        if not isinstance(value, bool):
            raise FormError(Fault.VALUE, path)
        return Literal(str(value).lower(), datatype=NamedNode(term.datatype))
    if not isinstance(value, str) or len(value) > term.longest or not value:
        raise FormError(Fault.VALUE, path)
    if term.choices and value not in term.choices:
        raise FormError(Fault.VALUE, path)
    if term.kind is Kind.IRI:
        return NamedNode(f"{SECURITY}{value}") if term.choices else _iri(value, path)
    if term.kind is Kind.MOMENT and not _is_moment(value):
        raise FormError(Fault.VALUE, path)
    if not well_written(value):
        raise FormError(Fault.CHARACTER, path)
    return Literal(value, datatype=NamedNode(term.datatype))


def _iri(value: Json, path: str) -> NamedNode:
    if not isinstance(value, str) or len(value) > LONGEST_IRI or not IRI.fullmatch(value):
        raise FormError(Fault.VALUE, path)
    try:
        return NamedNode(value)
    except ValueError as error:
        raise FormError(Fault.VALUE, path) from error


def _is_moment(value: str) -> bool:
    if not MOMENT.fullmatch(value) or not value.isascii():
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
