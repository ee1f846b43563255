"""Write the badge: a programme, a person and what they did, as the document that is signed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from certification import publishing
from certification.issuers import Issuer, profile
from certification.models import Programme
from certification.shapes import CREDENTIALS_V2, OPEN_BADGES, written_plainly
from certification.signing import written_at
from certification.status_list import Purpose
from certification.terms import Json
from community.api import ClauseReference, clauses
from courses.api import Completion

CHINESE, ENGLISH = "zh-Hans", "en"
BETWEEN_LANGUAGES = " / "
# A credential must stay small enough to be verified anywhere; further clauses are read on the programme's page.
MOST_CLAUSES = 48
MOST_EVIDENCE = 32
LONGEST_NAME = 200


@dataclass(frozen=True)
class Slot:
    """The credential's entry in a status list."""

    list_id: int
    index: int


def both(chinese: str, english: str) -> str:
    """One line in both languages, as the signed text carries it."""
    return written_plainly(f"{chinese}{BETWEEN_LANGUAGES}{english}" if chinese != english else chinese)


def achievement_url(slug: str, language: str) -> str:
    return f"{settings.PUBLIC_URL}/credentials/achievements/{slug}/{language}"


def achievement(programme: Programme, language: str) -> dict[str, Json]:
    """The programme as an Open Badges achievement in one language, related to its edition in the other."""
    chinese = language == CHINESE
    other = ENGLISH if chinese else CHINESE
    aligned: list[Json] = list(alignment(programme.clauses, language))
    written: dict[str, Json] = {
        "id": achievement_url(programme.slug, language),
        "type": ["Achievement"],
        "achievementType": "Certificate",
        "inLanguage": language,
        "name": written_plainly(programme.title_zh if chinese else programme.title_en),
        "description": written_plainly(programme.description_zh if chinese else programme.description_en),
        "criteria": {
            "id": f"{settings.PUBLIC_URL}/credentials/programmes/{programme.slug}",
            "narrative": both(programme.criteria_zh, programme.criteria_en),
        },
        "related": [{"id": achievement_url(programme.slug, other), "type": ["Related"], "inLanguage": other}],
    }
    return written | ({"alignment": aligned} if aligned else {})


def alignment(references: Iterable[str], language: str) -> list[dict[str, Json]]:
    """The clauses that can be read on this site; a reference to no published clause is left out."""
    wanted = [ClauseReference.parse(text) for text in dict.fromkeys(references)]
    places = clauses(wanted, language.lower())
    return [
        {
            "type": ["Alignment"],
            "targetCode": str(place.reference),
            "targetFramework": written_plainly(place.standard_title)[:LONGEST_NAME],
            "targetName": written_plainly(f"{place.number} {place.title}")[:LONGEST_NAME],
            "targetUrl": place.url if "://" in place.url else f"{settings.PUBLIC_URL}{place.url}",
        }
        for place in [places[reference] for reference in wanted if reference in places][:MOST_CLAUSES]
    ]


def evidence(completions: Iterable[Completion]) -> list[dict[str, Json]]:
    """One entry per lab passed: which, in which course, when, and with how many points."""
    found: dict[str, dict[str, Json]] = {}
    for course in completions:
        for lab in course.evidence:
            day = lab.passed_at.astimezone(ZoneInfo(settings.TIME_ZONE)).date().isoformat()
            found[lab.session_id] = {
                "id": f"urn:uuid:{lab.session_id}",
                "type": ["Evidence"],
                "genre": "lab",
                "name": both(lab.title_zh or "课程实验", lab.title_en or "Course lab"),
                "narrative": both(
                    f"{day} 通过“{course.title_zh or '云计算'}”课程实验，得分 {lab.points}，满分 {lab.of}",
                    f"passed on {day} in the course “{course.title_en or 'cloud computing'}” with {lab.points} of {lab.of} points",
                ),
            }
    return list(found.values())[:MOST_EVIDENCE]


def badge(
    programme: Programme,
    *,
    issuer: Issuer,
    public_id: str,
    subject_id: str,
    name: str,
    completions: Iterable[Completion],
    slot: Slot,
    valid_from: datetime,
    valid_until: datetime | None,
) -> dict[str, Json]:
    """The unsigned credential."""
    status_url = publishing.address(slot.list_id, Purpose.REVOCATION)
    proven: list[Json] = list(evidence(completions))
    document: dict[str, Json] = {
        "@context": [CREDENTIALS_V2, OPEN_BADGES],
        "id": f"{settings.PUBLIC_URL}/credentials/{public_id}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": both(programme.title_zh, programme.title_en),
        "description": both(programme.description_zh, programme.description_en),
        "issuer": profile(issuer),
        "validFrom": written_at(valid_from),
    }
    if valid_until is not None:
        document["validUntil"] = written_at(valid_until)
    document["credentialSubject"] = {
        "id": subject_id,
        "type": ["AchievementSubject"],
        "identifier": [
            {"type": "IdentityObject", "hashed": False, "identityHash": name, "identityType": "name"}
        ],
        "achievement": achievement(programme, CHINESE),
    }
    if proven:
        document["evidence"] = proven
    document["credentialStatus"] = {
        "id": f"{status_url}#{slot.index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": Purpose.REVOCATION.value,
        "statusListIndex": str(slot.index),
        "statusListCredential": status_url,
    }
    return document
