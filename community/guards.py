"""Tables to which the database itself lets rows only be added, or whose rows it freezes once they are settled."""

from collections.abc import Sequence
from typing import Any

from django.db import migrations

APPEND_ONLY, FROZEN = "append_only_", "frozen_"

SQLITE = """
CREATE TRIGGER {name}_{verb} BEFORE {VERB} ON "{table}"{when}
BEGIN SELECT RAISE(ABORT, '{table} {says}'); END
"""
SQLITE_OWNER = """
CREATE TRIGGER {name}_owner AFTER DELETE ON "{owner}"
BEGIN DELETE FROM "{table}" WHERE "{key}" = OLD.id; END
"""
POSTGRESQL_TRIGGERS = """
CREATE TRIGGER {name} BEFORE UPDATE OR DELETE ON "{table}" FOR EACH ROW EXECUTE FUNCTION {name}();
CREATE TRIGGER {name}_truncate BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""
POSTGRESQL_APPEND_ONLY = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {exceptions}
  RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""
POSTGRESQL_OWNER = """
CREATE FUNCTION {name}_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN DELETE FROM "{table}" WHERE "{key}" = OLD.id; RETURN NULL; END $$;
CREATE TRIGGER {name}_owner AFTER DELETE ON "{owner}" FOR EACH ROW EXECUTE FUNCTION {name}_owner();
"""
POSTGRESQL_FROZEN = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    RAISE EXCEPTION '{table} is frozen' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
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
"""
ALONE = 'NOT EXISTS (SELECT 1 FROM "{owner}" WHERE id = OLD."{key}")'


def append_only(*tables: str) -> migrations.RunPython:
    """The migration step after which no row of ``tables`` can be changed or deleted, and none of them truncated.

    SQLite (which knows no TRUNCATE) drops a table's triggers when a later migration rebuilds it: repeat the step then.
    """

    def made(vendor: str) -> list[str]:
        return [statement for table in tables for statement in _append_only(vendor, table)]

    return _step(made, [APPEND_ONLY + table for table in tables])


def kept_record(
    table: str, *, words: Sequence[str], forgets: str, owner: str = "", key: str = ""
) -> migrations.RunPython:
    """Like ``append_only``, but the column ``forgets`` becomes NULL when its person goes, and rows go with their owner.

    ``words`` are all the other columns; ``key`` is the column that points to a row of the table ``owner``, whose
    deletion the database follows by itself (on_delete=DO_NOTHING). Repeat the step when either table was rebuilt.
    """

    def made(vendor: str) -> list[str]:
        return _kept_record(vendor, table, words, forgets, owner, key)

    return _step(made, [APPEND_ONLY + table])


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
    return [
        POSTGRESQL_APPEND_ONLY.format(name=name, table=table, exceptions=""),
        POSTGRESQL_TRIGGERS.format(name=name, table=table),
    ]


def _kept_record(
    vendor: str, table: str, words: Sequence[str], forgets: str, owner: str, key: str
) -> list[str]:
    names = {"name": APPEND_ONLY + table, "table": table, "owner": owner, "key": key}
    same = "IS" if vendor == "sqlite" else "IS NOT DISTINCT FROM"
    forgotten = " AND ".join(
        [f'NEW."{forgets}" IS NULL', *(f'NEW."{word}" {same} OLD."{word}"' for word in words)]
    )
    gone = ALONE.format(owner=owner, key=key) if owner else "FALSE"
    if vendor == "sqlite":
        made = [
            SQLITE.format(
                **names, verb=verb, VERB=verb.upper(), when=f"\nWHEN NOT ({may})", says="is append-only"
            )
            for verb, may in (("update", forgotten), ("delete", gone))
        ]
        return [*made, SQLITE_OWNER.format(**names)] if owner else made
    exceptions = (
        f"IF TG_OP = 'UPDATE' THEN IF {forgotten} THEN RETURN NEW; END IF; END IF;\n"
        f"  IF TG_OP = 'DELETE' THEN IF {gone} THEN RETURN OLD; END IF; END IF;"
    )
    made = [
        POSTGRESQL_APPEND_ONLY.format(**names, exceptions=exceptions),
        POSTGRESQL_TRIGGERS.format(**names),
    ]
    return [*made, POSTGRESQL_OWNER.format(**names)] if owner else made


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
    return [
        POSTGRESQL_FROZEN.format(name=name, table=table, deletable=deletable, changed=changed),
        POSTGRESQL_TRIGGERS.format(name=name, table=table),
    ]


def _quoted(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _dropped(vendor: str, names: list[str]) -> list[str]:
    if vendor == "sqlite":
        verbs = ("update", "delete", "owner")
        return [f"DROP TRIGGER IF EXISTS {name}_{verb}" for name in names for verb in verbs]
    return [
        f"DROP FUNCTION IF EXISTS {function}() CASCADE"
        for name in names
        for function in (name, f"{name}_owner")
    ]


def _run(editor: Any, statements: Sequence[str]) -> None:
    # Not editor.execute(): it would take the percent signs and quotes of a body for placeholders.
    with editor.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
