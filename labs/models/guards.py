"""Tables to which the database itself lets rows only be added."""

from collections.abc import Sequence
from typing import Any

from django.db import migrations

PREFIX = "append_only_"

SQLITE = """
CREATE TRIGGER {name}_{verb} BEFORE {VERB} ON "{table}"
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""
POSTGRESQL = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE TRIGGER {name} BEFORE UPDATE OR DELETE ON "{table}" FOR EACH ROW EXECUTE FUNCTION {name}();
"""


def append_only(*tables: str) -> migrations.RunPython:
    """The migration step after which no row of ``tables`` can be changed or deleted.

    SQLite drops a table's triggers when a later migration rebuilds it: repeat the step after such a one.
    """

    def guard(_apps: Any, editor: Any) -> None:
        _run(editor, [statement for table in tables for statement in _made(editor.connection.vendor, table)])

    def free(_apps: Any, editor: Any) -> None:
        _run(
            editor, [statement for table in tables for statement in _dropped(editor.connection.vendor, table)]
        )

    return migrations.RunPython(guard, free)


def _made(vendor: str, table: str) -> Sequence[str]:
    name = PREFIX + table
    dropped = _dropped(vendor, table)
    if vendor == "sqlite":
        verbs = ("update", "delete")
        return [*dropped, *(SQLITE.format(name=name, table=table, verb=v, VERB=v.upper()) for v in verbs)]
    return [*dropped, POSTGRESQL.format(name=name, table=table)]


def _dropped(vendor: str, table: str) -> Sequence[str]:
    name = PREFIX + table
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}_{verb}" for verb in ("update", "delete")]
    return [f"DROP FUNCTION IF EXISTS {name}() CASCADE"]


def _run(editor: Any, statements: Sequence[str]) -> None:
    # Not editor.execute(): it would take the percent signs and quotes of a body for placeholders.
    with editor.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
