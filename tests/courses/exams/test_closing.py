"""Time that is up ends an attempt without its browser, and the end is when it was due."""

from datetime import timedelta

import pytest
from django.utils import timezone

from courses.exams import closing, timing
from courses.models import Attempt, AttemptState, EndReason


def overdue(attempt: Attempt, seconds: float = 60) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(deadline_at=timezone.now() - timedelta(seconds=seconds))
    attempt.refresh_from_db()


def test_an_overdue_attempt_is_submitted_as_of_its_deadline(world):
    attempt, running = world.attempt(), world.attempt()
    overdue(attempt)
    assert closing.close_due() == [attempt.pk]
    assert closing.close_due() == []
    due_at = attempt.deadline_at
    attempt.refresh_from_db()
    assert (attempt.state, attempt.reason, attempt.ended_at) == (
        AttemptState.SUBMITTED,
        EndReason.TIME_UP,
        due_at,
    )
    running.refresh_from_db()
    assert running.state == AttemptState.OPEN


def test_what_is_just_due_waits_for_answers_that_are_being_kept(world, settings):
    settings.COURSES_EXAM_GRACE_SECONDS = 3
    attempt = world.attempt()
    overdue(attempt, 1)
    assert closing.close_due() == []


def test_a_paused_attempt_is_never_overdue(world):
    attempt = world.attempt()
    timing.pause(attempt.pk, world.candidate(), "")
    assert closing.close_due() == []


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_many_are_closed_in_batches_of_any_size(world, monkeypatch, batch: int):
    attempts = [world.attempt() for _number in range(5)]
    for attempt in attempts:
        overdue(attempt)
    monkeypatch.setattr(closing, "BATCH", batch)
    assert sorted(closing.close_due()) == sorted(attempt.pk for attempt in attempts)
    assert set(closing.waiting_for_grades(10)) == {attempt.pk for attempt in attempts}


def test_closing_many_takes_as_few_queries_as_closing_one(world, django_assert_max_num_queries):
    for _number in range(5):
        overdue(world.attempt())
    with django_assert_max_num_queries(9):
        closing.close_due()
