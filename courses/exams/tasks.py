"""The worker's door to exams."""

from collections.abc import Iterable
from uuid import UUID

from celery import shared_task
from django.db import transaction

from courses.exams import closing, grading

CHUNK = 50


@shared_task
def grade(attempts: list[str]) -> None:
    for attempt in attempts:
        grading.grade(UUID(attempt))


@shared_task
def close_due() -> None:
    enqueue(closing.close_due())


@shared_task
def settle_grades() -> None:
    enqueue(closing.waiting_for_grades(10 * CHUNK))


def enqueue(attempts: Iterable[UUID]) -> None:
    """A message per some attempts; a lost one is found by ``settle_grades``."""
    names = [str(attempt) for attempt in attempts]
    for begin in range(0, len(names), CHUNK):
        grade.delay(names[begin : begin + CHUNK])


def grade_after_commit(attempts: list[UUID]) -> None:
    """Grading is asked for once the transaction is committed; a broker that is away fails nothing."""

    def ask() -> None:
        # No partial: Django's log asks for the name of what failed, and one that has none fails the request after all.
        enqueue(attempts)

    transaction.on_commit(ask, robust=True)
