"""A bank with one author and one reviewer, and what may be written in it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from community.api import Membership, Organisation, User
from courses.exams import bank as verbs
from courses.exams.bank import Written
from courses.exams.content import read_content
from courses.models import BankRole, QuestionBank, QuestionVersion
from tests.courses.questions import SAMPLES
from tests.labs.factories import LearnerFactory

CLAUSE = "yl-t-001:2026:service-health"


@dataclass
class BankWorld:
    bank: QuestionBank
    author: User
    reviewer: User
    owner: User

    def draft(self, code: str = "q1", kind: str = "single", **changes: Any) -> QuestionVersion:
        return verbs.create(self.bank, self.author, code, written(kind, **changes))

    def submitted(self, code: str = "q1", kind: str = "single", **changes: Any) -> QuestionVersion:
        version = self.draft(code, kind, **changes)
        verbs.submit(version, self.author)
        return version

    def approved(self, code: str = "q1", kind: str = "single", **changes: Any) -> QuestionVersion:
        version = self.submitted(code, kind, **changes)
        verbs.approve(version, self.reviewer)
        return version


def bank_world(slug: str = "cloud-basics") -> BankWorld:
    organisation = Organisation.objects.create(
        slug=f"{slug}-school", name_zh="云学院", name_en="Cloud School"
    )
    author, reviewer, owner = LearnerFactory(), LearnerFactory(), LearnerFactory()
    Membership.objects.create(organisation=organisation, person=owner, role=Membership.Role.RESPONSIBLE)
    bank = verbs.open_bank(organisation, slug, "云计算基础题库", "Cloud basics")
    verbs.let_in(bank, author, BankRole.AUTHOR, owner)
    verbs.let_in(bank, reviewer, BankRole.REVIEWER, owner)
    return BankWorld(bank, author, reviewer, owner)


def written(kind: str = "single", /, stem: dict[str, str] | None = None, **changes: Any) -> Written:
    content = dict(SAMPLES[kind].content)
    if stem is not None:
        content["stem"] = stem
    return Written(
        content=read_content(content),
        marks=changes.pop("marks", Decimal(1)),
        tags=changes.pop("tags", ("scheduling",)),
        clauses=changes.pop("clauses", (CLAUSE,)),
        **changes,
    )
