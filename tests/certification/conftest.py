"""A small world of certification: people, a programme of one course, and keys that no file holds."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.utils import timezone

from certification import issuing, publishing, shapes, signing, status_list
from certification.issuers import Issuer, did_of, method_id, profile
from certification.models import Programme
from certification.shapes import BADGE, CREDENTIALS_V2, OPEN_BADGES, STATUS_LIST, Json
from certification.status_list import Purpose
from certification.verification import Verdict, verify
from community.models import Role, User
from courses.models import Enrolment

SITE = "https://labs.example.org:8443"
LIST = f"{SITE}/credentials/status/1"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class World:
    """An issuer with a key of its own, its status lists, and a clock."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    revoked: set[int] = field(default_factory=set)
    suspended: set[int] = field(default_factory=set)
    lists: dict[Purpose, str] = field(default_factory=dict)

    @property
    def did(self) -> str:
        return did_of(SITE)

    @property
    def method(self) -> str:
        return method_id(self.did, signing.thumbprint(signing.public_bytes(self.key)))

    @property
    def issuer(self) -> Issuer:
        return Issuer(self.did, "Yunlian 云联", SITE, {self.method: signing.public_bytes(self.key)})

    def document(self, **members: Json) -> dict[str, Json]:
        return {**badge(self.issuer), **members}

    def signed(self, document: dict[str, Json] | None = None) -> str:
        return signing.sign(document or self.document(), BADGE, self.key, self.method, NOW)

    def status_text(self, url: str, purpose: Purpose) -> str:
        if purpose in self.lists:
            return self.lists[purpose]
        chosen = self.revoked if purpose is Purpose.REVOCATION else self.suspended
        return self.signed_list(url, purpose, chosen)

    def signed_list(self, url: str, purpose: Purpose, chosen: set[int], at: datetime = NOW) -> str:
        hour = timedelta(hours=1)
        document = status_list.document(url, self.did, purpose, chosen, at - hour, at + hour)
        return signing.sign(document, STATUS_LIST, self.key, self.method, at)

    def verdict(self, text: str | bytes, now: datetime = NOW) -> Verdict:
        return verify(text, {self.did: self.issuer}, self.status_text, now)


def badge(issuer: Issuer) -> dict[str, Json]:
    return {
        "@context": [CREDENTIALS_V2, OPEN_BADGES],
        "id": f"{SITE}/credentials/abc",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": '云计算"基础" / Cloud \\ foundations',
        "description": "一句话 / One sentence 😀",
        "issuer": profile(issuer),
        "validFrom": "2026-11-01T00:00:00Z",
        "validUntil": "2027-11-01T00:00:00Z",
        "credentialSubject": {
            "id": "urn:uuid:6f0e7d1a-0000-4000-8000-000000000000",
            "type": ["AchievementSubject"],
            "identifier": [
                {
                    "type": "IdentityObject",
                    "hashed": False,
                    "identityHash": "李雷 Léi Lǐ",
                    "identityType": "name",
                }
            ],
            "achievement": {
                "id": f"{SITE}/credentials/achievements/cloud/zh-Hans",
                "type": ["Achievement"],
                "achievementType": "Certificate",
                "inLanguage": "zh-Hans",
                "name": "云计算基础",
                "description": "一句话",
                "criteria": {
                    "id": f"{SITE}/credentials/programmes/cloud",
                    "narrative": "完成课程 / Complete the course",
                },
                "related": [
                    {
                        "id": f"{SITE}/credentials/achievements/cloud/en",
                        "type": ["Related"],
                        "inLanguage": "en",
                    }
                ],
                "alignment": [
                    {
                        "type": ["Alignment"],
                        "targetCode": f"yl-t-001:2026:{clause}",
                        "targetFramework": "YL/T 001",
                        "targetName": f"{number} {clause}",
                        "targetUrl": f"{SITE}/en/draft/#{clause}",
                    }
                    for number, clause in enumerate(("service-health", "service-balancing", "scope"))
                ],
            },
        },
        "evidence": [
            {
                "id": f"urn:uuid:6f0e7d1a-0000-4000-8000-00000000000{number}",
                "type": ["Evidence"],
                "genre": "lab",
                "name": "负载均衡 / Load balancing",
                "narrative": f"{number} 分 / {number} points",
            }
            for number in (1, 2)
        ],
        "credentialStatus": {
            "id": f"{LIST}#5",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "5",
            "statusListCredential": LIST,
        },
    }


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def key_of_this_test(settings, tmp_path):
    """Every test signs with a key of its own and starts with unused rate limits."""
    settings.CERTIFICATION_SIGNING_KEY_FILE = tmp_path / "signing-key.pem"
    cache.clear()


def person(username: str, printed_name: str = "", role: Role | None = None) -> User:
    made = User.objects.create_user(username, f"{username}@example.org", "pw", printed_name=printed_name)
    if role is not None:
        made.groups.add(Group.objects.get_or_create(name=role.value)[0])
    return made


def complete(learner: User, course_id: str) -> None:
    """The learner has completed the course, as courses records it."""
    Enrolment.objects.create(learner=learner, course_key=course_id, completed_at=timezone.now())


@pytest.fixture
def learner(db) -> User:
    return person("lilei", "李雷")


@pytest.fixture
def operator(db) -> User:
    return person("zhao", "赵敏", Role.OPERATOR)


@pytest.fixture
def programme(db) -> Programme:
    return make_programme()


def make_programme(slug: str = "cloud-foundations", **fields: object) -> Programme:
    told = {
        "title_zh": "云计算基础",
        "title_en": "Cloud foundations",
        "description_zh": "能在隔离环境中部署并排查负载均衡服务。",
        "description_en": "Can deploy and debug a load-balanced service in an isolated environment.",
        "criteria_zh": "完成课程的全部课时与实验。",
        "criteria_en": "Complete every lesson and lab of the course.",
        "course_ids": [str(uuid4())],
        "validity_months": 24,
    }
    return Programme.objects.create(slug=slug, **(told | fields))


@pytest.fixture
def earned(programme, learner) -> Programme:
    """The programme, with every course of it completed by the learner."""
    for course_id in programme.course_ids:
        complete(learner, course_id)
    return programme


@pytest.fixture
def credential(earned, learner):
    return issuing.issue(earned, learner)


def published_bits(credential, purpose: Purpose) -> bytes:
    document = shapes.read(publishing.published(credential.status_list_id, purpose))
    return status_list.decode(document["credentialSubject"]["encodedList"])
