"""Submitted attempts get their grades: what the scorers can say at once, the rest when a person or a run has said it."""

from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from courses.exams.answers import AnswerRefused, read_answer
from courses.exams.drawing import Slot
from courses.exams.papers import content_of
from courses.exams.parameters import fill
from courses.exams.scoring import Score, score
from courses.models import AnswerEvent, Attempt, AttemptState, SlotGrade
from courses.signals import exam_passed


def answers_of(attempt: Attempt) -> dict[int, Any]:
    """The last answer to each slot, as it was received."""
    events = AnswerEvent.objects.filter(attempt=attempt).order_by("place")
    return dict(events.values_list("slot", "answer"))


def scored(slot: Slot, raw: Any, version: int) -> Score:
    """What ``raw`` is worth in ``slot``; what does not fit the question is worth nothing."""
    question = fill(content_of(slot.version, slot.content_hash), slot.seed)
    try:
        answer = read_answer(question, raw)
    except AnswerRefused:
        answer = None
    return score(question, answer, version=version)


@transaction.atomic
def grade(attempt_id: UUID) -> Attempt:
    """The submitted attempt has a grade for each slot and, when none waits, its score; repeating changes nothing."""
    attempt = Attempt.objects.select_for_update().select_related("paper", "exam").get(pk=attempt_id)
    if attempt.state != AttemptState.SUBMITTED:
        return attempt
    answers = answers_of(attempt)
    graded = set(attempt.grades.filter(taken_back_at=None).values_list("slot", flat=True))
    version = attempt.paper.scorer_version
    SlotGrade.objects.bulk_create(
        grade_row(attempt, slot, scored(slot, answers.get(slot.number), version), version)
        for slot in attempt.paper.read_slots()
        if slot.number not in graded
    )
    settle(attempt)
    return attempt


def grade_row(attempt: Attempt, slot: Slot, found: Score, version: int) -> SlotGrade:
    return SlotGrade(
        attempt=attempt,
        slot=slot.number,
        scorer_version=version,
        numerator=None if found.fraction is None else found.fraction.numerator,
        denominator=None if found.fraction is None else found.fraction.denominator,
        waiting=found.waiting or "",
        parts=[[part.name, str(part.share), part.weight] for part in found.parts],
    )


def effective(attempt: Attempt) -> dict[int, SlotGrade]:
    """The grade of each slot that counts: the last that was not taken back."""
    return {grade.slot: grade for grade in attempt.grades.filter(taken_back_at=None).order_by("pk")}


def total(slots: tuple[Slot, ...], shares: Mapping[int, Fraction]) -> Fraction:
    """The share of all marks that ``shares`` by slot make."""
    most = sum((Fraction(slot.marks) for slot in slots), Fraction(0))
    earned = sum((shares[slot.number] * Fraction(slot.marks) for slot in slots), Fraction(0))
    return earned / most if most else Fraction(0)


def settle(attempt: Attempt) -> bool:
    """The attempt is graded when no slot waits; tells ``exam_passed`` on commit. The caller holds the attempt."""
    slots = attempt.paper.read_slots()
    shares = {number: found.share for number, found in effective(attempt).items() if found.share is not None}
    if any(slot.number not in shares for slot in slots):
        return False
    reached = total(slots, shares)
    passed = reached >= attempt.exam.cut
    moved = attempt.move(
        AttemptState.GRADED,
        score_numerator=reached.numerator,
        score_denominator=reached.denominator,
        passed=passed,
        graded_at=timezone.now(),
    )
    if moved and passed:
        transaction.on_commit(
            partial(
                exam_passed.send_robust, sender=Attempt, learner=attempt.person, exam_id=str(attempt.exam_id)
            )
        )
    return moved
