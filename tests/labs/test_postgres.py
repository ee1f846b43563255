"""The same on the database of production: every migration, and what the labs promise when many act at once."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.postgres import private_server

MODULES = (
    "races",
    "queue",
    "pool",
    "pool_races",
    "sessions",
    "provisioning",
    "sweeping",
    "allowances",
    "guards",
)
METERING = ("meters", "readers")


@pytest.mark.postgres
def test_on_postgresql_migrations_run_and_the_labs_keep_their_promises():
    with private_server() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
            + [f"tests/labs/test_{module}.py" for module in MODULES]
            + [f"tests/labs/metering/test_{module}.py" for module in METERING],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
