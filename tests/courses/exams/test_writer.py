"""The writer: many changes in one commit, none acknowledged before it, none lost to another's fault (on both databases)."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection

from courses.exams import saving
from courses.exams.saving import Outcome, save
from courses.exams.writer import AnswerWriter, durable
from courses.models import AnswerEvent
from tests.courses.exams.worlds import exam_world

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=[app.name for app in apps.get_app_configs()]
)


@pytest.fixture
def world():
    return exam_world()


@pytest.fixture
def writer():
    made = AnswerWriter()
    yield made
    made.close()


def test_the_writer_acknowledges_after_the_commit_and_serves_the_next_after_a_refusal(world, writer):
    attempt = world.attempt()
    good = writer.keep(world.change(attempt, 1))
    assert good.result(20).outcome == Outcome.SAVED
    assert AnswerEvent.objects.count() == 1
    broken = writer.keep(world.change(attempt, 2, sequence=2**80))
    with pytest.raises(Exception, match=r"."):
        broken.result(20)
    assert writer.keep(world.change(attempt, 3)).result(20).outcome == Outcome.SAVED
    assert AnswerEvent.objects.count() == 2


def test_one_change_the_database_refuses_costs_those_beside_it_nothing(world, writer, monkeypatch):
    attempt = world.attempt()
    bad = world.change(attempt, 2)

    def save_or_refuse(changes):
        if any(change.slot == 2 for change in changes):
            raise DatabaseError("refused")
        return save(changes)

    monkeypatch.setattr(saving, "save", save_or_refuse)
    together = [writer.keep(change) for change in (world.change(attempt, 1), bad, world.change(attempt, 3))]
    assert together[0].result(20).outcome == Outcome.SAVED
    assert isinstance(together[1].exception(20), DatabaseError)
    assert together[2].result(20).outcome == Outcome.SAVED


def test_an_answer_is_on_the_disk_before_it_is_acknowledged():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL commits synchronously unless it is told otherwise")
    durable()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        assert cursor.fetchone() == (2,)


def test_a_writer_that_is_closed_has_kept_everything_and_begins_anew_when_asked(world, writer):
    attempt = world.attempt()
    told = [writer.keep(world.change(attempt, slot)) for slot in (1, 2, 3)]
    writer.close()
    assert [one.result(0).outcome for one in told] == [Outcome.SAVED] * 3
    assert writer.keep(world.change(attempt, 4)).result(20).outcome == Outcome.SAVED
