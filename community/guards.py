"""Tables to which the database itself lets rows only be added, or whose rows it freezes once they are settled."""

from collections.abc import Sequence
from typing import Any

from django.db import migrations

APPEND_ONLY, FROZEN = "append_only_", "frozen_"

SQLITE = """
CREATE TRIGGER {name}_{verb} BEFORE {VERB} ON "{table}"{when}
BEGIN SELECT RAISE(ABORT, '{table} {says}'); END
"""
POSTGRESQL_APPEND_ONLY = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE TRIGGER {name} BEFORE UPDATE OR DELETE ON "{table}" FOR EACH ROW EXECUTE FUNCTION {name}();
"""
POSTGRESQL_FROZEN = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF NOT {deletable} THEN
      RAISE EXCEPTION '{table} is frozen' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF {changed} THEN
    RAISE EXCEPTION '{table} is frozen' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER {name} BEFORE UPDATE OR DELETE ON "{table}" FOR EACH ROW EXECUTE FUNCTION {name}();
"""


def append_only(*tables: str) -> migrations.RunPython:
    """The migration step after which no row of ``tables`` can be changed or deleted.

    SQLite drops a table's triggers when a later migration rebuilds it: repeat the step after such a one.
    """

    def made(vendor: str) -> list[str]:
        return [statement for table in tables for statement in _append_only(vendor, table)]

    return _step(made, [APPEND_ONLY + table for table in tables])


def frozen(
    table: str, *, loose: Sequence[str], settled: Sequence[str], words: Sequence[str], column: str = "state"
) -> migrations.RunPython:
    """The migration step after which the database keeps ``words`` (columns) as they are once a row is not ``loose``.

    ``loose`` and ``settled`` are values of ``column``: a loose row may be changed and deleted, a settled one stays
    as it is in every column, one between them keeps its words. Repeat the step as with ``append_only``.
    """

    def made(vendor: str) -> list[str]:
        return _frozen(vendor, table, column, (loose, settled, words))

    return _step(made, [FROZEN + table])


def _step(made: Any, names: list[str]) -> migrations.RunPython:
    def guard(_apps: Any, editor: Any) -> None:
        vendor = editor.connection.vendor
        _run(editor, [*_dropped(vendor, names), *made(vendor)])

    def free(_apps: Any, editor: Any) -> None:
        _run(editor, _dropped(editor.connection.vendor, names))

    return migrations.RunPython(guard, free)


def _append_only(vendor: str, table: str) -> list[str]:
    name = APPEND_ONLY + table
    if vendor == "sqlite":
        return [
            SQLITE.format(
                name=name, table=table, verb=verb, VERB=verb.upper(), when="", says="is append-only"
            )
            for verb in ("update", "delete")
        ]
    return [POSTGRESQL_APPEND_ONLY.format(name=name, table=table)]


def _frozen(vendor: str, table: str, column: str, what: tuple[Sequence[str], ...]) -> list[str]:
    name = FROZEN + table
    loose, settled, words = what
    differs = "IS NOT" if vendor == "sqlite" else "IS DISTINCT FROM"
    deletable = f"OLD.{column} IN ({_quoted(loose)})"
    reworded = " OR ".join(f'OLD."{word}" {differs} NEW."{word}"' for word in words)
    changed = f"OLD.{column} IN ({_quoted(settled)}) OR (NOT {deletable} AND ({reworded}))"
    if vendor == "sqlite":
        return [
            SQLITE.format(
                name=name,
                table=table,
                verb=verb,
                VERB=verb.upper(),
                when=f"\nWHEN {condition}",
                says="is frozen",
            )
            for verb, condition in (("update", changed), ("delete", f"NOT {deletable}"))
        ]
    return [POSTGRESQL_FROZEN.format(name=name, table=table, deletable=deletable, changed=changed)]


def _quoted(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _dropped(vendor: str, names: list[str]) -> list[str]:
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}_{verb}" for name in names for verb in ("update", "delete")]
    return [f"DROP FUNCTION IF EXISTS {name}() CASCADE" for name in names]


def _run(editor: Any, statements: Sequence[str]) -> None:
    # Not editor.execute(): it would take the percent signs and quotes of a body for placeholders.
    with editor.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
