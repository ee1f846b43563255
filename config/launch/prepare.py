"""The database as the source wants it and the demo world in it, in one Django process.

Every line on stdout is progress for the launcher; one that starts with FAILURE is a cause with its fix, as JSON.
"""

import io
import json
import os
import sys

import django
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor


class MigrationLines(io.StringIO):
    """Takes what ``migrate`` prints and tells how many of ``total`` migrations are applied."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self.total = total
        self.done = 0

    def write(self, text: str) -> int:
        if "OK" in text:
            self.done += 1
            print(f"migration {self.done} of {self.total}", flush=True)
        return len(text)


def migrate() -> None:
    """Every migration is applied."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        call_command(
            "migrate", interactive=False, verbosity=1, stdout=MigrationLines(len(plan)), no_color=True
        )


def fail(cause: str, fix: str) -> None:
    print("FAILURE " + json.dumps({"cause": cause, "fix": fix}), flush=True)
    sys.exit(1)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    django.setup()
    try:
        migrate()
    except OperationalError as error:
        where = connection.settings_dict
        fail(
            f"The database {where['NAME']} {where.get('HOST') or ''} does not work: {str(error).splitlines()[0]}.",
            "start the database or correct DATABASE_URL",
        )
    except DatabaseError as error:
        fail(
            f"A migration failed: {str(error).splitlines()[0]}.",
            "put back the database of before (docs/operations.md, Backup), or move VAR_DIR/db.sqlite3 away to begin anew",
        )
    print("demo world", flush=True)
    call_command("load_demo", json=True, stdout=io.StringIO())


if __name__ == "__main__":
    main()
