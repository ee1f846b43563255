"""Verify: everything that may be said about a credential, from its text alone. Pure; fetches nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from certification.issuers import Issuer
from certification.shapes import BADGE, IRI, STATUS_LIST, FormError, read
from certification.signing import is_signed_by, take_apart
from certification.status_list import Purpose, UnreadableList, decode, is_set
from certification.terms import Json


class Outcome(StrEnum):
    """The one verdict."""

    VALID = "valid"
    INVALID = "invalid"
    NOT_YET_VALID = "not yet valid"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class Question(StrEnum):
    """What is checked, in the order in which it is told."""

    FORM = "form"
    ISSUER = "issuer"
    SIGNATURE = "signature"
    PERIOD = "period"
    STATUS = "status"


class Answer(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Finding(StrEnum):
    """What was found, in one word each; wording.py says it in a sentence."""

    WELL_FORMED = "well formed"
    NOT_THE_FORM = "not the form"
    TRUSTED = "trusted"
    OTHER_ISSUER = "other issuer"
    SIGNED = "signed"
    NOT_SIGNED = "not signed"
    FOREIGN_KEY = "foreign key"
    IN_PERIOD = "in period"
    WITHOUT_END = "without end"
    BEFORE_PERIOD = "before period"
    AFTER_PERIOD = "after period"
    STANDING = "standing"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    LIST_UNREADABLE = "list unreadable"
    NOT_REACHED = "not reached"


@dataclass(frozen=True)
class Check:
    """One question, its answer, and what was found; ``detail`` is for an engineer's eyes."""

    question: Question
    answer: Answer
    finding: Finding
    detail: str = ""


@dataclass(frozen=True)
class ClauseClaim:
    code: str
    name: str
    framework: str
    url: str


@dataclass(frozen=True)
class EvidenceClaim:
    name: str
    narrative: str


@dataclass(frozen=True)
class Claims:
    """What a credential says; shown only when its signature holds."""

    id: str
    holder: str
    title: str
    achievement: str
    description: str
    criteria: str
    criteria_url: str
    language: str
    issuer: str
    issuer_id: str
    valid_from: datetime
    valid_until: datetime | None
    method: str
    status_list: str
    status_index: int
    clauses: tuple[ClauseClaim, ...] = ()
    evidence: tuple[EvidenceClaim, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The outcome, each check behind it, and the claims when they are the issuer's words."""

    outcome: Outcome
    checks: tuple[Check, ...]
    claims: Claims | None = None

    def check_of(self, question: Question) -> Check:
        return next(check for check in self.checks if check.question is question)


StatusReader = Callable[[str, Purpose], str]
"""Gives the text of the status list credential at an address, for one purpose; LookupError when it cannot."""

NOT_REACHED = {question: Check(question, Answer.UNKNOWN, Finding.NOT_REACHED) for question in Question}


def verify(
    text: str | bytes, issuers: Mapping[str, Issuer], read_status: StatusReader, now: datetime
) -> Verdict:
    """The verdict on ``text`` at ``now``, trusting ``issuers`` (by did) and nobody else.

    Never raises for any text, never fetches, and costs the same few milliseconds for every text that is refused.
    """
    try:
        document = read(text)
    except FormError as error:
        return _refused(error)
    try:
        proof = take_apart(document, BADGE)
    except FormError as error:
        named = _issuer_named_in(document)
        return _of_another(named) if named and named not in issuers else _refused(error)
    claims = claims_of(document, proof.verification_method)
    issuer = issuers.get(claims.issuer_id)
    if issuer is None:
        return _of_another(claims.issuer_id)
    form = Check(Question.FORM, Answer.PASSED, Finding.WELL_FORMED)
    trusted = Check(Question.ISSUER, Answer.PASSED, Finding.TRUSTED, issuer.did)
    public = issuer.keys.get(proof.verification_method)
    if public is None or not is_signed_by(proof, public):
        finding = Finding.FOREIGN_KEY if public is None else Finding.NOT_SIGNED
        signature = Check(Question.SIGNATURE, Answer.FAILED, finding, proof.verification_method)
        return _verdict(Outcome.INVALID, form, trusted, signature)
    signature = Check(Question.SIGNATURE, Answer.PASSED, Finding.SIGNED, proof.verification_method)
    period = _period(claims, now)
    status = _status(claims, issuer, read_status, now)
    return _verdict(_outcome(period, status), form, trusted, signature, period, status, claims=claims)


def _verdict(outcome: Outcome, *checks: Check, claims: Claims | None = None) -> Verdict:
    made = NOT_REACHED | {check.question: check for check in checks}
    return Verdict(outcome, tuple(made[question] for question in Question), claims)


def _refused(error: FormError) -> Verdict:
    return _verdict(Outcome.INVALID, Check(Question.FORM, Answer.FAILED, Finding.NOT_THE_FORM, str(error)))


def _of_another(did: str) -> Verdict:
    return _verdict(Outcome.UNKNOWN, Check(Question.ISSUER, Answer.UNKNOWN, Finding.OTHER_ISSUER, did[:200]))


def _issuer_named_in(document: dict[str, Json]) -> str:
    """The issuer that a document of some other form names, when it is plainly a credential; else nothing."""
    issuer = document.get("issuer")
    named = issuer.get("id") if isinstance(issuer, dict) else issuer
    is_credential = "credentialSubject" in document and "proof" in document
    if is_credential and isinstance(named, str) and (IRI.fullmatch(named) or named.startswith("did:")):
        return named
    return ""


def _outcome(period: Check, status: Check) -> Outcome:
    certain = {
        Finding.REVOKED: Outcome.REVOKED,
        Finding.SUSPENDED: Outcome.SUSPENDED,
        Finding.AFTER_PERIOD: Outcome.EXPIRED,
        Finding.BEFORE_PERIOD: Outcome.NOT_YET_VALID,
        Finding.LIST_UNREADABLE: Outcome.UNKNOWN,
    }
    for finding, outcome in certain.items():
        if finding in {period.finding, status.finding}:
            return outcome
    return Outcome.VALID


def _period(claims: Claims, now: datetime) -> Check:
    if now < claims.valid_from:
        return Check(Question.PERIOD, Answer.FAILED, Finding.BEFORE_PERIOD)
    if claims.valid_until is None:
        return Check(Question.PERIOD, Answer.PASSED, Finding.WITHOUT_END)
    if now > claims.valid_until:
        return Check(Question.PERIOD, Answer.FAILED, Finding.AFTER_PERIOD)
    return Check(Question.PERIOD, Answer.PASSED, Finding.IN_PERIOD)


def _status(claims: Claims, issuer: Issuer, read_status: StatusReader, now: datetime) -> Check:
    found = ((Purpose.REVOCATION, Finding.REVOKED), (Purpose.SUSPENSION, Finding.SUSPENDED))
    try:
        for purpose, finding in found:
            bits = _bits(read_status(claims.status_list, purpose), issuer, purpose, now)
            if is_set(bits, claims.status_index):
                return Check(Question.STATUS, Answer.FAILED, finding, claims.status_list)
    except (LookupError, UnreadableList, FormError) as error:
        return Check(Question.STATUS, Answer.UNKNOWN, Finding.LIST_UNREADABLE, str(error)[:200])
    return Check(Question.STATUS, Answer.PASSED, Finding.STANDING, claims.status_list)


def _bits(text: str, issuer: Issuer, purpose: Purpose, now: datetime) -> bytes:
    """The bits of a status list that the same issuer signed for ``purpose`` and that holds at ``now``.

    Raises UnreadableList or FormError otherwise.
    """
    document = read(text)
    proof = take_apart(document, STATUS_LIST)
    public = issuer.keys.get(proof.verification_method)
    if document["issuer"] != issuer.did or public is None or not is_signed_by(proof, public):
        raise UnreadableList("the list is not signed by the issuer")
    if not _moment(document["validFrom"]) <= now <= _moment(document["validUntil"]):
        raise UnreadableList("the list is not of this time")
    subject = _members(document["credentialSubject"])
    if subject["statusPurpose"] != purpose.value:
        raise UnreadableList(f"the list is not about {purpose.value}")
    return decode(str(subject["encodedList"]))


def claims_of(document: dict[str, Json], method: str) -> Claims:
    """The claims of a document whose form was checked."""
    issuer = _members(document["issuer"])
    subject = _members(document["credentialSubject"])
    achievement = _members(subject["achievement"])
    criteria = _members(achievement["criteria"])
    status = _members(document["credentialStatus"])
    until = document.get("validUntil")
    index = str(status["statusListIndex"])
    return Claims(
        id=str(document["id"]),
        holder=str(_items(subject["identifier"])[0]["identityHash"]),
        title=str(document["name"]),
        achievement=str(achievement["name"]),
        description=str(document["description"]),
        criteria=str(criteria["narrative"]),
        criteria_url=str(criteria["id"]),
        language=str(achievement["inLanguage"]),
        issuer=str(issuer["name"]),
        issuer_id=str(issuer["id"]),
        valid_from=_moment(document["validFrom"]),
        valid_until=None if until is None else _moment(until),
        method=method,
        status_list=str(status["statusListCredential"]),
        status_index=int(index) if index.isascii() and index.isdigit() else -1,
        clauses=tuple(
            ClauseClaim(
                code=str(item["targetCode"]),
                name=str(item["targetName"]),
                framework=str(item["targetFramework"]),
                url=str(item["targetUrl"]),
            )
            for item in _items(achievement.get("alignment", []))
        ),
        evidence=tuple(
            EvidenceClaim(name=str(item["name"]), narrative=str(item["narrative"]))
            for item in _items(document.get("evidence", []))
        ),
    )


def _members(value: Json) -> dict[str, Json]:
    return cast("dict[str, Json]", value)


def _items(value: Json) -> list[dict[str, Json]]:
    return cast("list[dict[str, Json]]", value)


def _moment(value: Json) -> datetime:
    return datetime.fromisoformat(str(value))
