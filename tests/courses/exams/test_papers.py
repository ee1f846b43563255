"""Papers are built before anybody starts and change for nobody."""

import pytest
from django.db import DatabaseError, transaction

from courses.exams.papers import ContentChanged, build_papers, content_of, take_paper
from courses.exams.refusals import NotReady
from courses.models import Exam, ExamDraw, Paper, PinnedVersion
from tests.courses.exams.worlds import exam_world


def test_a_built_paper_pins_versions_hashes_seeds_orders_and_the_scorer(world):
    (paper,) = build_papers(world.exam, 1)
    paper = Paper.objects.get(pk=paper.pk)
    slots = paper.read_slots()
    assert [slot.version for slot in slots] == [version.pk for version in world.versions]
    assert [slot.content_hash for slot in slots] == [version.content_hash for version in world.versions]
    assert set(slots[0].order) == {"a", "b", "c"}
    assert paper.scorer_version == 1
    assert set(PinnedVersion.objects.values_list("version_id", flat=True)) == {v.pk for v in world.versions}


def test_a_new_version_and_a_changed_blueprint_change_no_built_paper(world):
    (paper,) = build_papers(world.exam, 1)
    before = Paper.objects.get(pk=paper.pk).slots
    world.bank.bank.questions.update(retired_at="2027-01-01T00:00:00Z")
    ExamDraw.objects.all().delete()
    after = Paper.objects.get(pk=paper.pk)
    assert after.slots == before
    assert all(content_of(slot.version, slot.content_hash) for slot in after.read_slots())


def test_a_version_that_a_paper_holds_cannot_be_deleted(world):
    build_papers(world.exam, 1)
    with pytest.raises((DatabaseError, Exception), match=r"protected|kept|approved"), transaction.atomic():
        world.versions[0].delete()


def test_content_that_is_not_what_was_pinned_is_never_asked(world):
    with pytest.raises(ContentChanged):
        content_of(world.versions[0].pk, "0" * 64)


def test_papers_drawn_by_chance_differ_and_none_has_a_question_twice(db):
    world = exam_world(("single",) * 8, draw=4)
    papers = build_papers(world.exam, 20)
    drawn = [tuple(slot.version for slot in paper.read_slots()) for paper in papers]
    assert all(len(set(versions)) == 4 for versions in drawn)
    assert len(set(drawn)) > 5


def test_a_retired_question_is_drawn_no_more(db):
    world = exam_world(("single",) * 3, draw=2)
    question = world.versions[0].question
    question.retired_at = question.created_at
    question.save(update_fields=["retired_at"])
    papers = build_papers(world.exam, 10)
    assert world.versions[0].pk not in {slot.version for paper in papers for slot in paper.read_slots()}


@pytest.mark.parametrize("empty", [True, False])
def test_an_exam_that_asks_for_nothing_or_too_much_says_so(db, empty: bool):
    world = exam_world(("single",) * 3, draw=2)
    if empty:
        ExamDraw.objects.all().delete()
    else:
        ExamDraw.objects.update(count=4)
    with pytest.raises(NotReady, match="no questions" if empty else "draws 4 questions and has 3"):
        build_papers(world.exam, 1)
    assert not Paper.objects.exists()


def test_a_question_that_nothing_could_run_or_store_is_in_no_paper(db):
    world = exam_world(("single", "code"))
    with pytest.raises(NotReady, match="code"):
        build_papers(world.exam, 1)


def test_a_built_paper_is_taken_once_and_one_more_is_built_when_none_is_left(world):
    built = {paper.pk for paper in build_papers(world.exam, 2)}
    taken = [take_paper(Exam.objects.get(pk=world.exam.pk)).pk for _number in range(3)]
    assert len(set(taken)) == 3
    assert built < set(taken)
