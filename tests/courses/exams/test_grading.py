"""Grades: exact, by the pinned scorer, in one go, and told upwards once."""

from fractions import Fraction

import pytest

from courses.api import exam_result
from courses.exams import grading
from courses.exams.sitting import hand_in
from courses.models import Attempt, AttemptState, SlotGrade
from courses.signals import exam_passed
from tests.courses.exams.worlds import exam_world


def finished(world, pick=None) -> Attempt:
    attempt = world.attempt()
    world.answer_all(attempt, pick)
    hand_in(attempt)
    return grading.grade(attempt.pk)


def test_all_right_answers_make_the_whole_score(world):
    attempt = finished(world)
    assert (attempt.state, attempt.score, attempt.passed) == (AttemptState.GRADED, Fraction(1), True)


def test_all_wrong_answers_make_none(world):
    attempt = finished(world, world.wrong)
    assert (attempt.state, attempt.score, attempt.passed) == (AttemptState.GRADED, Fraction(0), False)


def test_an_empty_attempt_is_graded_too(world):
    attempt = world.attempt()
    hand_in(attempt)
    assert grading.grade(attempt.pk).score == 0
    assert SlotGrade.objects.count() == len(world.versions)


def test_the_cut_score_itself_passes(db):
    world = exam_world(("single", "true_false"), cut_percent=50)
    half = finished(world, lambda attempt, slot: world.right(attempt, 1) if slot == 1 else None)
    assert (half.score, half.passed) == (Fraction(1, 2), True)


def test_thirds_stay_thirds(db):
    world = exam_world(("single", "true_false", "multiple"))
    attempt = finished(world, lambda attempt, slot: world.right(attempt, slot) if slot == 1 else None)
    assert (attempt.score_numerator, attempt.score_denominator) == (1, 3)


def test_what_a_person_must_mark_keeps_the_attempt_waiting(db):
    world = exam_world(("single", "essay"))
    attempt = finished(world)
    assert (attempt.state, attempt.score) == (AttemptState.SUBMITTED, None)
    assert set(SlotGrade.objects.values_list("slot", "waiting")) == {(1, ""), (2, "marker")}


def test_grading_twice_changes_nothing(world):
    attempt = finished(world)
    grading.grade(attempt.pk)
    assert SlotGrade.objects.count() == len(world.versions)


@pytest.mark.parametrize("passes", [True, False])
def test_whoever_passed_is_told_of_once(world, passes: bool, django_capture_on_commit_callbacks):
    told = []

    def hear(**kwargs):
        told.append((kwargs["learner"].pk, kwargs["exam_id"]))

    exam_passed.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            attempt = finished(world, None if passes else world.wrong)
            grading.grade(attempt.pk)
    finally:
        exam_passed.disconnect(hear)
    assert told == ([(attempt.person_id, str(world.exam.pk))] if passes else [])


def test_the_best_of_a_persons_attempts_is_their_result(db):
    world = exam_world(attempts_allowed=2)
    person = world.candidate()
    assert exam_result(person, str(world.exam.pk)) is None
    for pick in (world.right, world.wrong):
        attempt = world.attempt(person)
        world.answer_all(attempt, pick)
        hand_in(attempt)
        grading.grade(attempt.pk)
    best = exam_result(person, str(world.exam.pk))
    assert best is not None
    assert (best.score, best.passed) == (1, True)
    assert best.attempt_id != str(attempt.pk)
