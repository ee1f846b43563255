"""Small worlds every test may stand in."""

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.utils import translation

from tests.stack import stack  # noqa: F401  (a fixture for every folder)

ROOT = Path(__file__).resolve().parent.parent
DATABASE = pytest.StashKey[dict[str, Path]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The whole product is started once, in one xdist worker, first of all; other files stay whole, engine first."""
    items.sort(
        key=lambda item: [not item.get_closest_marker(mark) for mark in ("stack", "docker", "browser")]
    )
    for item in items:
        group = "stack" if item.get_closest_marker("stack") else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    """A test with real transactions ends in a flush, which takes the migrations' own rows along: bring them back.

    Tables that rows may only be added to would refuse the flush: their triggers stand aside meanwhile.
    """
    mark = item.get_closest_marker("django_db")
    if mark is None or not mark.kwargs.get("transaction") or DATABASE not in item.config.stash:
        yield
        return
    guards = stand_aside(item.config.stash[DATABASE]["mine"])
    yield
    if DATABASE in item.config.stash:
        refill(**item.config.stash[DATABASE], guards=guards)


def stand_aside(mine: Path) -> list[str]:
    """Nothing refuses deletion any more; what made the triggers."""
    with closing(sqlite3.connect(mine, timeout=20, isolation_level=None)) as database:
        found = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            " AND (name LIKE 'append_only_%' OR name LIKE 'frozen_%')"
        ).fetchall()
        for name, _sql in found:
            database.execute(f"DROP TRIGGER {name}")
    return [sql for _name, sql in found]


def refill(mine: Path, template: Path, guards: list[str]) -> None:
    """Every table of ``mine`` holds again what ``template`` holds; connections of other threads may stay open."""
    with closing(sqlite3.connect(mine, timeout=20, isolation_level=None)) as database:
        database.execute("ATTACH ? AS template", [str(template)])
        tables = database.execute(
            "SELECT name FROM template.sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
            " AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%_fts%'"
        ).fetchall()
        database.execute("BEGIN IMMEDIATE")
        for (name,) in tables:
            database.execute(f'DELETE FROM main."{name}"')
            database.execute(f'INSERT INTO main."{name}" SELECT * FROM template."{name}"')
        for sql in guards:
            database.execute(sql)
        database.execute("COMMIT")


def flush_past_guards(operations: type[Any]) -> None:
    """On PostgreSQL the flush is a TRUNCATE, which guarded tables refuse; only a superuser's tests can step past them."""
    plain = operations.sql_flush

    def sql_flush(*args: Any, **kwargs: Any) -> list[str]:
        statements: list[str] = plain(*args, **kwargs)
        return ["SET LOCAL session_replication_role = replica", *statements] if statements else []

    operations.sql_flush = sql_flush


def migrations_digest() -> str:
    """A name for the schema: changes whenever a migration of ours or a locked dependency does."""
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    for path in sorted(ROOT.glob("*/migrations/*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@pytest.fixture(autouse=True)
def own_language():
    """Every test begins in the installation's language: a request leaves the one it was answered in behind."""
    translation.deactivate()
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request, worker_id):
    """On SQLite every worker of every run gets its own copy of a database migrated once per schema."""
    entry = settings.DATABASES["default"]
    if entry["ENGINE"].endswith("sqlite3"):
        entry["TEST"]["NAME"] = str(
            ROOT / ".cache" / "test-db" / f"{migrations_digest()}-{worker_id}-{os.getpid()}.sqlite3"
        )


@pytest.fixture(scope="session")
def worker_id(request):
    """xdist's name of this worker; ``main`` without xdist."""
    return getattr(request.config, "workerinput", {}).get("workerid", "main")


@pytest.fixture(scope="session")
def django_db_keepdb(request):
    return settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(
    request,
    django_test_environment,
    django_db_blocker,
    django_db_modify_db_settings,
    django_db_keepdb,
    worker_id,
):
    from django.test.utils import setup_databases, teardown_databases

    entry = settings.DATABASES["default"]
    template = None
    if django_db_keepdb:
        mine = Path(entry["TEST"]["NAME"])
        mine.parent.mkdir(parents=True, exist_ok=True)
        template = mine.with_name(f"{migrations_digest()}.template")
        for stale in mine.parent.glob("*.template"):
            if stale != template:
                stale.unlink(missing_ok=True)
        for leftover in mine.parent.glob("*-*-*.sqlite3*"):
            if not Path("/proc", leftover.name.split(".")[0].rsplit("-", 1)[1]).exists():
                leftover.unlink(missing_ok=True)
        if template.exists():
            shutil.copyfile(template, mine)
    with django_db_blocker.unblock():
        databases = setup_databases(verbosity=0, interactive=False, keepdb=django_db_keepdb)
        if connections["default"].vendor == "postgresql":
            flush_past_guards(type(connections["default"].ops))
        if template is not None and not template.exists():
            connections["default"].cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            part = template.with_suffix(f".{os.getpid()}")
            shutil.copyfile(mine, part)
            part.rename(template)
    if template is not None:
        request.config.stash[DATABASE] = {"mine": mine, "template": template}
    yield
    if template is not None:
        del request.config.stash[DATABASE]
        for part in mine.parent.glob(f"{mine.name}*"):
            part.unlink(missing_ok=True)
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            teardown_databases(databases, verbosity=0)
