"""The demo organisation's exam over its question bank, with some papers built."""

from django.db import transaction
from django.utils import timezone

from config.demo import texts
from courses.exams.papers import build_papers
from courses.models import Audience, Exam, ExamDraw, ExamSection, QuestionBank, QuestionVersion

PAPERS = 5


@transaction.atomic
def load_exam() -> None:
    """The exam stands; one that is there already stays as people made it, and without its bank there is none."""
    table = texts.table("exams.toml")
    bank = QuestionBank.objects.filter(slug=table["bank"]).first()
    if bank is None or Exam.objects.filter(slug=table["slug"]).exists():
        return
    exam = Exam.objects.create(
        organisation_id=bank.organisation_id,
        slug=table["slug"],
        audience=Audience.ANYBODY,
        limit_s=60 * table["minutes"],
        cut_percent=table["cut_percent"],
        attempts_allowed=table["attempts"],
        published_at=timezone.now(),
        **{
            f"{field}_{code}": table[field][code]
            for field in ("title", "instructions", "honour")
            for code in ("zh", "en")
        },
    )
    for place, wanted in enumerate(table["sections"], start=1):
        section = ExamSection.objects.create(
            exam=exam,
            place=place,
            name_zh=wanted["name"]["zh"],
            name_en=wanted["name"]["en"],
            shuffle=wanted.get("shuffle", False),
        )
        versions = QuestionVersion.objects.in_use().filter(question__bank=bank)
        by_code = {version.question.code: version for version in versions.select_related("question")}
        ExamDraw.objects.bulk_create(
            ExamDraw(section=section, place=number, version=by_code[code], marks=by_code[code].marks)
            for number, code in enumerate(wanted["questions"], start=1)
        )
    build_papers(exam, PAPERS)
