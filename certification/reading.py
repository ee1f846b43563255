"""What pages show of programmes and credentials, each list in a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from certification import wording
from certification.documents import BETWEEN_LANGUAGES
from certification.models import Credential, Programme
from certification.models.programme import in_chinese
from certification.verification import Claims, ClauseClaim, EvidenceClaim, Outcome
from certification.wording import Words
from community.api import ClauseLink, ClauseReference, User, clauses
from courses.api import course_titles, course_url


@dataclass(frozen=True)
class Held:
    """A credential in a list, with its standing in words."""

    credential: Credential
    words: Words


@dataclass(frozen=True)
class CourseLink:
    title: str
    url: str


@dataclass(frozen=True)
class Said:
    """A credential's claims, those written in both languages shown in the reader's."""

    holder: str
    title: str
    description: str
    criteria: str
    criteria_url: str
    issuer: str
    valid_from: datetime
    valid_until: datetime | None
    clauses: tuple[ClauseClaim, ...]
    evidence: tuple[EvidenceClaim, ...]


def halves(text: str) -> tuple[str, str]:
    """The Chinese and the English of a line that was signed as both; the whole line twice when it is not plainly two."""
    chinese, slash, english = text.partition(BETWEEN_LANGUAGES)
    return (chinese, english) if slash and BETWEEN_LANGUAGES not in english else (text, text)


def localized(text: str) -> str:
    """The reader's half of a line that was signed in both languages."""
    return halves(text)[0 if in_chinese() else 1]


def in_my_language(claims: Claims) -> Said:
    return Said(
        holder=claims.holder,
        title=localized(claims.title),
        description=localized(claims.description),
        criteria=localized(claims.criteria),
        criteria_url=claims.criteria_url,
        issuer=claims.issuer,
        valid_from=claims.valid_from,
        valid_until=claims.valid_until,
        clauses=claims.clauses,
        evidence=tuple(
            EvidenceClaim(localized(item.name), localized(item.narrative)) for item in claims.evidence
        ),
    )


def standing(credential: Credential) -> Outcome:
    """What the register says of it today; the verdict page checks the signature as well."""
    now = timezone.now()
    if credential.revoked_at is not None:
        return Outcome.REVOKED
    if credential.suspended_at is not None:
        return Outcome.SUSPENDED
    if now < credential.issued_at:
        return Outcome.NOT_YET_VALID
    if credential.valid_until is not None and now > credential.valid_until:
        return Outcome.EXPIRED
    return Outcome.VALID


def in_words(credentials: Iterable[Credential]) -> list[Held]:
    return [Held(credential, wording.VERDICTS[standing(credential)]) for credential in credentials]


def held_by(holder: User) -> list[Held]:
    """Everything ever issued to the holder, the latest first."""
    return in_words(Credential.objects.of(holder).select_related("programme"))


def open_to(learner: User) -> QuerySet[Programme]:
    """The programmes that the learner holds no credential of."""
    return Programme.objects.active().exclude(credentials__holder=learner)


def register(words: str, state: str) -> QuerySet[Credential]:
    """The credentials an operator looks for; ``state`` is standing, suspended, revoked or anything for all."""
    found = Credential.objects.select_related("programme", "holder")
    if words:
        found = found.matching(words)
    if state == "suspended":
        return found.suspended()
    if state == "revoked":
        return found.revoked()
    return found.standing().filter(suspended_at=None) if state == "standing" else found


def courses_of(programme: Programme, language: str) -> list[CourseLink]:
    """The required courses that are published, in the reader's language where there is an edition."""
    found = []
    for course_id in programme.course_ids:
        title = course_titles(course_id).get(language, "")
        if title:
            found.append(CourseLink(title, course_url(course_id, language)))
    return found


def clauses_of(programme: Programme, language: str) -> list[ClauseLink]:
    """The clauses attested that can be read on this site."""
    wanted = [ClauseReference.parse(text) for text in programme.clauses]
    places = clauses(wanted, language)
    return [places[reference] for reference in wanted if reference in places]
