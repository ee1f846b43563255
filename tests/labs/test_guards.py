"""Records that the database itself keeps (test_postgres.py runs this on PostgreSQL as well)."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Model

from labs.models import (
    Deed,
    OperatorAct,
    RateCard,
    Statement,
    StatementLine,
    TeachingEvent,
    UsageEntry,
)
from labs.teaching.recording import record
from tests.labs.factories import LearnerFactory, SessionFactory

pytestmark = pytest.mark.django_db

GUARDED = (OperatorAct, RateCard, Statement, StatementLine, TeachingEvent, UsageEntry)


def taught() -> Model:
    return record(SessionFactory(), LearnerFactory(), Deed.WATCHED, "box 1")


def operated() -> Model:
    operator = LearnerFactory()
    return OperatorAct.objects.create(
        operator=operator, operator_name=operator.username, verb="stop", target="r1"
    )


def refused(statement: str, *values: object) -> bool:
    """Whether the database, asked behind the models' back, lets nothing happen."""
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)
    return True


@pytest.mark.parametrize("made", [taught, operated])
def test_a_record_is_neither_changed_nor_deleted_with_the_database_in_hand(made: Callable[[], Model]):
    row = made()
    table, person = row._meta.db_table, "actor_id" if made is taught else "operator_id"
    other = LearnerFactory().pk
    assert refused(f"UPDATE {table} SET at = at WHERE id = %s", row.pk)
    assert refused(f"UPDATE {table} SET {person} = %s WHERE id = %s", other, row.pk)
    assert refused(f"UPDATE {table} SET {person} = NULL, id = id + 1 WHERE id = %s", row.pk)
    assert refused(f"DELETE FROM {table} WHERE id = %s", row.pk)


@pytest.mark.parametrize("made", [taught, operated])
def test_a_record_outlives_the_account_of_who_did_it(made: Callable[[], Model]):
    row = made()
    name = "actor" if made is taught else "operator"
    getattr(row, name).delete()
    row.refresh_from_db()
    assert getattr(row, name) is None


def test_what_was_done_in_a_session_goes_with_it_and_nothing_else():
    gone, kept = taught(), taught()
    gone.session.learner.delete()
    assert list(TeachingEvent.objects.all()) == [kept]


@pytest.mark.parametrize("model", GUARDED)
def test_every_guarded_table_has_its_guards(model: type[Model]):
    table = model._meta.db_table
    name = f"append_only_{table}"
    if connection.vendor == "sqlite":
        found, wanted = (
            "SELECT name FROM sqlite_master WHERE type = 'trigger'",
            {f"{name}_update", f"{name}_delete"},
        )
    else:
        found, wanted = "SELECT tgname FROM pg_trigger", {name, f"{name}_truncate"}
    wanted |= {f"{name}_owner"} if model is TeachingEvent else set()
    with connection.cursor() as cursor:
        cursor.execute(found)
        assert wanted <= {row[0] for row in cursor.fetchall()}


@pytest.mark.parametrize("model", GUARDED)
def test_no_guarded_table_is_truncated(model: type[Model]):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite knows no TRUNCATE")
    assert refused(f"TRUNCATE {model._meta.db_table} CASCADE")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", [1, 2])
def test_the_tests_own_flush_steps_past_the_guards(_round: int):
    assert not OperatorAct.objects.exists()
    operated()
