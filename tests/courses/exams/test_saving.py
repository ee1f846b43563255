"""Saved answers: kept once, in order, in time, by the device that may, and chained (on both databases)."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from courses.exams import chain, saving, sitting, timing
from courses.exams.saving import Outcome, save
from courses.models import AnswerEvent, Attempt


def outcomes(*changes):
    return [saving.outcome for saving in save(changes)]


def test_a_change_is_kept_with_its_time_and_the_receipt_moves_on(world):
    attempt = world.attempt()
    change = world.change(attempt)
    (told,) = save([change])
    event = AnswerEvent.objects.get()
    attempt.refresh_from_db()
    assert (told.outcome, told.count) == (Outcome.SAVED, 1)
    assert told.link == event.link == attempt.last_link
    assert (event.answer, event.received_at) == (change.answer, change.received_at)


def test_a_change_that_is_sent_again_is_acknowledged_again_and_kept_once(world):
    change = world.change(world.attempt())
    assert outcomes(change, change) == [Outcome.SAVED, Outcome.KEPT_ALREADY]
    assert outcomes(change) == [Outcome.KEPT_ALREADY]
    assert AnswerEvent.objects.count() == 1


def test_an_older_change_that_arrives_late_overwrites_nothing(world):
    attempt = world.attempt()
    new, old = (
        world.change(attempt, sequence=5),
        world.change(attempt, sequence=3, answer=world.wrong(attempt, 1)),
    )
    assert outcomes(new, old) == [Outcome.SAVED, Outcome.STALE]
    assert AnswerEvent.objects.get().answer == new.answer


def test_another_answer_with_a_number_that_is_taken_is_told_to_be_stale(world):
    attempt = world.attempt()
    save([world.change(attempt)])
    assert outcomes(world.change(attempt, answer=world.wrong(attempt, 1))) == [Outcome.STALE]


def test_answers_count_by_when_they_came_however_late_they_are_kept(world):
    attempt = world.attempt()
    due_at = timezone.now() - timedelta(seconds=2)
    Attempt.objects.update(deadline_at=due_at)
    in_time = world.change(attempt, 1, received_at=due_at)
    late = world.change(attempt, 2, received_at=due_at + timedelta(microseconds=1))
    assert outcomes(in_time, late) == [Outcome.SAVED, Outcome.OVER]


def test_nothing_is_kept_after_handing_in(world):
    attempt = world.attempt()
    change = world.change(attempt)
    sitting.hand_in(attempt)
    assert outcomes(change) == [Outcome.OVER]
    assert not AnswerEvent.objects.exists()


def test_a_device_that_was_left_for_another_writes_no_more(world):
    attempt = world.attempt()
    change = world.change(attempt)
    sitting.open_device(attempt, {})
    assert outcomes(change, world.change(attempt, 2)) == [Outcome.ELSEWHERE, Outcome.SAVED]


def test_while_the_clock_stands_nothing_is_kept_and_afterwards_it_is(world):
    attempt, invigilator = world.attempt(), world.candidate()
    before = world.change(attempt, 1)
    timing.pause(attempt.pk, invigilator, "fire alarm")
    during = world.change(attempt, 2)
    assert outcomes(before, during) == [Outcome.SAVED, Outcome.PAUSED]
    timing.resume(attempt.pk, invigilator)
    assert outcomes(world.change(attempt, 2)) == [Outcome.SAVED]


def test_an_attempt_that_does_not_exist_costs_the_others_nothing(world):
    attempt = world.attempt()
    stranger = world.change(attempt)
    stranger = type(stranger)(**{**vars(stranger), "attempt": world.exam.pk})
    assert outcomes(stranger, world.change(attempt)) == [Outcome.UNKNOWN, Outcome.SAVED]


def test_many_candidates_and_changes_are_kept_in_one_transaction(world, django_assert_max_num_queries):
    attempts = [world.attempt() for _number in range(5)]
    changes = [
        world.change(attempt, slot, sequence)
        for attempt in attempts
        for slot in (1, 2)
        for sequence in (1, 2)
    ]
    with django_assert_max_num_queries(5):
        assert outcomes(*changes) == [Outcome.SAVED] * 20


def test_the_database_lets_nobody_change_or_delete_what_was_answered(world):
    save([world.change(world.attempt())])
    for verb in (lambda rows: rows.update(answer=None), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            verb(AnswerEvent.objects.all())


def test_the_chain_of_a_sitting_can_be_checked_from_its_rows(world):
    attempt = world.attempt()
    world.answer_all(attempt)
    first = chain.seed(str(attempt.pk), attempt.paper.paper_hash)
    told = [
        (chain.Saved(event.slot, event.sequence, event.answer, event.received_at), event.link)
        for event in AnswerEvent.objects.all()
    ]
    attempt.refresh_from_db()
    assert chain.broken_at(first, told) is None
    assert told[-1][1] == attempt.last_link


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.booleans()), max_size=12))
def test_whatever_arrives_in_whichever_order_the_highest_number_of_each_slot_stands(arriving):
    """The pure part: no database, the same rule."""
    attempt = Attempt(epoch=1, last_link="", heads={}, saved_count=0)
    events: list[AnswerEvent] = []
    for slot, sequence, yes in arriving:
        change = saving.Change(attempt.pk, 1, slot, sequence, {"value": yes}, timezone.now())
        found = saving.taken(change, attempt, events)
        assert (found.count, found.link) == (len(events), attempt.last_link)
    for slot in {slot for slot, _sequence, _yes in arriving}:
        kept = [event.sequence for event in events if event.slot == slot]
        assert kept == sorted(set(kept))
        assert attempt.heads[str(slot)][0] == kept[-1] == max(s for t, s, _yes in arriving if t == slot)
