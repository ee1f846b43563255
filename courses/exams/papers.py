"""Papers: built before anybody starts, from approved versions only, and given out once."""

import secrets
from functools import lru_cache

from django.db import transaction
from django.utils import timezone

from courses.exams import scoring
from courses.exams.content import content_hash, read_content
from courses.exams.drawing import Candidate, Draw, PoolTooSmall, Section, draw_paper, paper_hash
from courses.exams.parameters import FormulaError, fill
from courses.exams.refusals import NotReady
from courses.exams.shapes import Kind, Question
from courses.models import Exam, ExamDraw, Paper, PinnedVersion, QuestionVersion

CONTENTS_KEPT = 4096
# Nothing stores their files or runs their programs and checks during an exam so far.
NOT_SAT_YET = frozenset({Kind.FILE_UPLOAD, Kind.CODE, Kind.LAB_TASK})


class ContentChanged(Exception):
    """A version's content is not what was pinned; the database forbids that, so somebody went past it."""


@lru_cache(maxsize=CONTENTS_KEPT)
def content_of(version_id: int, pinned_hash: str) -> Question:
    """What an approved version asks; these never change, so a process reads each once.

    Raises DoesNotExist, and ContentChanged when its hash is not ``pinned_hash``.
    """
    content = read_content(
        QuestionVersion.objects.approved().values_list("content", flat=True).get(pk=version_id)
    )
    if content_hash(content) != pinned_hash:
        raise ContentChanged(f"version {version_id}")
    return content


def sections_of(exam: Exam) -> list[Section]:
    """The exam's blueprint over the versions that are in use now."""
    return [
        Section(
            name=str(section.place),
            draws=tuple(
                Draw(pool=pool_of(draw), count=draw.count, marks=draw.marks) for draw in section.draws.all()
            ),
            shuffle=section.shuffle,
        )
        for section in exam.sections.prefetch_related("draws")
    ]


def pool_of(draw: ExamDraw) -> tuple[Candidate, ...]:
    """The versions that ``draw`` may take: its own, or those of the bank with its tag and difficulty."""
    if draw.version_id is not None:
        versions = QuestionVersion.objects.approved().filter(pk=draw.version_id)
    else:
        versions = QuestionVersion.objects.in_use().filter(question__bank_id=draw.bank_id)
        if draw.tag:
            versions = versions.tagged(draw.tag)
        if draw.difficulty is not None:
            versions = versions.filter(difficulty=draw.difficulty)
    found = versions.order_by("question_id", "pk").values_list("pk", "question_id", "content_hash")
    return tuple(
        Candidate(pk, question.int, content_of(pk, told_hash), told_hash) for pk, question, told_hash in found
    )


def build_papers(exam: Exam, count: int) -> list[Paper]:
    """``count`` further papers of the exam, each from a seed of its own; their versions are pinned.

    Raises NotReady when the blueprint asks for nothing, for more than there is, or for what cannot be computed.
    """
    sections = sections_of(exam)
    if not any(section.draws for section in sections):
        raise NotReady("the exam has no questions yet")
    papers = [_built(exam, sections, secrets.token_hex(16)) for _number in range(count)]
    versions = {slot["version"] for paper in papers for slot in paper.slots}
    with transaction.atomic():
        PinnedVersion.objects.bulk_create(
            [PinnedVersion(exam=exam, version_id=version) for version in sorted(versions)],
            ignore_conflicts=True,
        )
        return Paper.objects.bulk_create(papers, batch_size=500)


def _built(exam: Exam, sections: list[Section], seed: str) -> Paper:
    try:
        slots = draw_paper(sections, seed)
        for slot in slots:
            question = fill(content_of(slot.version, slot.content_hash), slot.seed)
            if question.kind in NOT_SAT_YET:
                raise NotReady(f"questions of the kind {question.kind} cannot be sat in exams yet")
    except (PoolTooSmall, FormulaError) as error:
        raise NotReady(str(error)) from error
    return Paper(
        exam=exam,
        seed=seed,
        slots=[slot.write() for slot in slots],
        paper_hash=paper_hash(slots),
        scorer_version=scoring.LATEST,
    )


def take_paper(exam: Exam) -> Paper:
    """A paper nobody else has, marked as taken; one is built when none is left. Inside the caller's transaction.

    Raises NotReady.
    """
    free = Paper.objects.filter(exam=exam, taken_at=None).order_by("pk")
    while (paper := free.select_for_update(skip_locked=True).first()) is not None:
        paper.taken_at = timezone.now()
        if Paper.objects.filter(pk=paper.pk, taken_at=None).update(taken_at=paper.taken_at):
            return paper
    (paper,) = build_papers(exam, 1)
    paper.taken_at = timezone.now()
    paper.save(update_fields=["taken_at"])
    return paper
