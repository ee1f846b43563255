"""A published exam over a small bank, and candidates to sit it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from community.api import User
from courses.exams.saving import Change, Saving, save
from courses.exams.sitting import begin
from courses.models import Attempt, Audience, Exam, ExamDraw, ExamSection, QuestionVersion
from tests.courses.bank.worlds import BankWorld, bank_world
from tests.courses.questions import SAMPLES
from tests.labs.factories import LearnerFactory

KINDS = ("single", "multiple", "true_false", "short_text")


@dataclass
class ExamWorld:
    exam: Exam
    bank: BankWorld
    versions: list[QuestionVersion]

    def candidate(self) -> User:
        return LearnerFactory()

    def attempt(self, person: User | None = None) -> Attempt:
        return begin(self.exam, person or self.candidate())

    def change(self, attempt: Attempt, slot: int = 1, sequence: int = 1, **fields: Any) -> Change:
        """A change that is right for its slot, unless ``fields`` say otherwise."""
        attempt.refresh_from_db(fields=["epoch"])
        fields.setdefault("answer", self.right(attempt, slot))
        fields.setdefault("received_at", timezone.now())
        fields.setdefault("epoch", attempt.epoch)
        return Change(attempt=attempt.pk, slot=slot, sequence=sequence, **fields)

    def right(self, attempt: Attempt, slot: int) -> Any:
        return SAMPLES[self.kind(attempt, slot)].right

    def wrong(self, attempt: Attempt, slot: int) -> Any:
        return SAMPLES[self.kind(attempt, slot)].wrong

    def kind(self, attempt: Attempt, slot: int) -> str:
        version = attempt.paper.read_slots()[slot - 1].version
        return QuestionVersion.objects.get(pk=version).kind

    def answer_all(self, attempt: Attempt, pick: Callable[[Attempt, int], Any] | None = None) -> list[Saving]:
        pick = pick or self.right
        slots = attempt.paper.read_slots()
        return save([self.change(attempt, slot.number, answer=pick(attempt, slot.number)) for slot in slots])


def exam_world(kinds: tuple[str, ...] = KINDS, draw: int | None = None, **terms: Any) -> ExamWorld:
    """An exam over one question of each of ``kinds``: all in order, or ``draw`` of them by chance."""
    bank = bank_world(f"bank-{BankCounter.next()}")
    versions = [bank.approved(f"q{number}", kind) for number, kind in enumerate(kinds)]
    number = BankCounter.next()
    fields = {
        "organisation_id": bank.bank.organisation_id,
        "slug": f"exam-{number}",
        "title_zh": f"考试 {number}",
        "title_en": f"Exam {number}",
        "audience": Audience.ANYBODY,
        "limit_s": 3600,
        "published_at": timezone.now(),
        **terms,
    }
    exam = Exam.objects.create(**fields)
    section = ExamSection.objects.create(exam=exam, place=1, name_zh="第一部分", name_en="Part one")
    if draw is not None:
        ExamDraw.objects.create(section=section, place=1, bank=bank.bank, count=draw, marks=2)
    else:
        ExamDraw.objects.bulk_create(
            ExamDraw(section=section, place=place, version=version, marks=2)
            for place, version in enumerate(versions)
        )
    return ExamWorld(exam, bank, versions)


class BankCounter:
    """Numbers for names that must differ."""

    last = 0

    @classmethod
    def next(cls) -> int:
        cls.last += 1
        return cls.last


def moment(of: Attempt) -> datetime:
    """The attempt's deadline, which it has."""
    assert of.deadline_at is not None
    return of.deadline_at
