"""Versions of questions: written, reviewed by somebody else, and then as they are for ever, on every database."""

from itertools import product

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from courses.exams import bank as verbs
from courses.exams.content import content_hash
from courses.models import BankQuestion, BankRole, EventKind, QuestionEvent, QuestionVersion, VersionState
from courses.models.questions import MOVES
from tests.courses.bank.worlds import written
from tests.courses.questions import SAMPLES

STEM = {"zh": "改过的题干", "en": "Reworded"}


def put(version: QuestionVersion, column: str, value: object) -> None:
    """As somebody would who has the database in hand."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE courses_questionversion SET {column} = %s WHERE id = %s", [value, version.pk])


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_a_question_of_every_kind_is_kept_as_written(world, kind):
    version = world.draft("kept", kind)
    version.refresh_from_db()
    assert version.asked == written(kind).content
    assert version.content_hash == content_hash(version.asked)
    assert (version.kind, version.number, version.state) == (kind, 1, VersionState.DRAFT)


def test_the_way_from_draft_to_approved_is_written_down(world):
    version = world.approved()
    assert version.state == VersionState.APPROVED
    assert version.reviewer == world.reviewer
    assert [(event.kind, event.actor) for event in version.events.all()] == [
        (EventKind.WRITTEN, world.author),
        (EventKind.SUBMITTED, world.author),
        (EventKind.APPROVED, world.reviewer),
    ]


@pytest.mark.parametrize(("here", "there"), list(product(VersionState, VersionState)))
def test_a_version_moves_only_along_the_table(world, here, there):
    version = world.draft()
    if here != VersionState.DRAFT:
        assert version.move(VersionState.IN_REVIEW, world.author)
    if here in {VersionState.APPROVED, VersionState.REFUSED}:
        assert version.move(here, world.reviewer)
    assert version.move(there, world.reviewer) is (there in MOVES[here])
    assert version.state == (there if there in MOVES[here] else here)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("content", '{"kind": "true_false"}'),
        ("content_hash", "0" * 64),
        ("marks", 9),
        ("tags", "\nother\n"),
        ("clauses", ""),
        ("number", 7),
        ("state", "draft"),
        ("words", "other"),
    ],
)
def test_the_database_itself_keeps_an_approved_version(world, column, value):
    version = world.approved()
    with pytest.raises(DatabaseError, match="is frozen"):
        put(version, column, value)


def test_the_database_itself_keeps_the_words_that_a_reviewer_reads(world):
    version = world.submitted()
    with pytest.raises(DatabaseError, match="is frozen"):
        put(version, "marks", 9)
    verbs.take_back(version, world.author)
    put(version, "marks", 9)
    version.refresh_from_db()
    assert version.marks == 9


@pytest.mark.parametrize("state", [VersionState.IN_REVIEW, VersionState.APPROVED])
def test_only_a_draft_can_be_deleted_from_the_database(world, state):
    version = world.approved() if state == VersionState.APPROVED else world.submitted()
    with (
        pytest.raises(DatabaseError, match="is frozen"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM courses_questionversion WHERE id = %s", [version.pk])


@pytest.mark.parametrize(
    "statement", ["UPDATE courses_questionevent SET words = 'x'", "DELETE FROM courses_questionevent"]
)
def test_what_happened_to_a_question_is_never_rewritten(world, statement):
    world.draft()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_change_after_approval_is_the_next_version(world):
    first = world.approved()
    second = verbs.revise(first.question, world.author, written(stem=STEM))
    first.refresh_from_db()
    assert (second.number, second.state) == (2, VersionState.DRAFT)
    assert first.asked == written().content
    assert list(QuestionVersion.objects.in_use()) == [first]
    assert list(QuestionVersion.objects.newest()) == [second]


def test_a_new_version_is_in_use_once_it_is_approved(world):
    first = world.approved()
    second = verbs.revise(first.question, world.author, written(stem=STEM))
    verbs.submit(second, world.author)
    verbs.approve(second, world.reviewer)
    assert list(QuestionVersion.objects.in_use()) == [second]


def test_saving_what_is_there_already_makes_no_version(world):
    version = world.approved()
    with pytest.raises(verbs.NothingChanged):
        verbs.revise(version.question, world.author, written())
    assert version.question.versions.count() == 1


def test_a_draft_is_changed_in_its_place(world):
    version = world.draft()
    same = verbs.revise(version.question, world.author, written(stem=STEM))
    assert same.pk == version.pk
    assert same.asked.stem.en == "Reworded"


def test_what_is_in_review_is_not_changed(world):
    version = world.submitted()
    with pytest.raises(verbs.InReview):
        verbs.revise(version.question, world.author, written(stem=STEM))


def test_an_author_does_not_review_their_own_version(world):
    verbs.let_in(world.bank, world.author, BankRole.REVIEWER)
    version = world.submitted()
    with pytest.raises(verbs.OwnQuestion):
        verbs.approve(version, world.author)
    with pytest.raises(verbs.OwnQuestion):
        verbs.refuse(version, world.author, "no")
    version.refresh_from_db()
    assert version.state == VersionState.IN_REVIEW


def test_whoever_changed_a_draft_does_not_review_it_either(world):
    verbs.let_in(world.bank, world.reviewer, BankRole.AUTHOR)
    version = world.draft()
    verbs.revise(version.question, world.reviewer, written(stem=STEM))
    version.refresh_from_db()
    verbs.submit(version, world.author)
    with pytest.raises(verbs.OwnQuestion):
        verbs.approve(version, world.reviewer)


def test_the_database_refuses_an_author_as_reviewer(world):
    version = world.submitted()
    with pytest.raises(IntegrityError), transaction.atomic():
        version.move(VersionState.APPROVED, world.author)


@pytest.mark.parametrize("who", ["author", "owner"])
def test_only_reviewers_review(world, who):
    version = world.submitted()
    with pytest.raises(verbs.NotAllowedInBank):
        verbs.approve(version, getattr(world, who))


def test_who_left_the_bank_reviews_no_more(world):
    version = world.submitted()
    verbs.take_out(world.bank.members.get(person=world.reviewer))
    with pytest.raises(verbs.NotAllowedInBank):
        verbs.approve(version, world.reviewer)


def test_a_refusal_says_why(world):
    version = world.submitted()
    with pytest.raises(verbs.NoReason):
        verbs.refuse(version, world.reviewer, "  ")
    verbs.refuse(version, world.reviewer, "Two options are right.")
    assert version.state == VersionState.REFUSED
    assert version.events.last().words == "Two options are right."


def test_a_decision_on_words_that_changed_meanwhile_is_not_taken(world):
    seen = world.submitted()
    now = QuestionVersion.objects.get(pk=seen.pk)
    verbs.take_back(now, world.author)
    verbs.submit(verbs.revise(seen.question, world.author, written(stem=STEM)), world.author)
    with pytest.raises(verbs.MovedMeanwhile):
        verbs.approve(seen, world.reviewer)
    now.refresh_from_db()
    assert now.state == VersionState.IN_REVIEW


def test_a_retired_question_is_drawn_no_more_and_keeps_its_versions(world):
    version = world.approved()
    verbs.retire(version.question, world.author, "outdated")
    assert not QuestionVersion.objects.in_use().exists()
    with pytest.raises(verbs.QuestionRetired):
        verbs.revise(version.question, world.author, written(stem=STEM))
    verbs.restore(version.question, world.author)
    assert list(QuestionVersion.objects.in_use()) == [version]
    assert [event.kind for event in QuestionEvent.objects.filter(version=None)] == ["retired", "restored"]


def test_a_code_is_given_once_in_a_bank(world):
    world.draft("same")
    with pytest.raises(verbs.CodeTaken):
        world.draft("same")
    assert BankQuestion.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"marks": 0}, "marks"),
        ({"tags": ("two words",)}, "tags"),
        ({"clauses": ("nowhere",)}, "clauses"),
        ({"objectives": ("a\nb",)}, "objectives"),
        ({"difficulty": 9}, "difficulty"),
    ],
)
def test_what_no_version_may_hold_is_refused_by_name(changes, where):
    with pytest.raises(verbs.Unsound) as refused:
        written(**changes)
    assert refused.value.where == where


def test_a_version_knows_which_language_it_lacks(world):
    version = world.draft("english", stem={"en": "Only English"})
    assert (version.in_chinese, version.in_english) == (False, True)
