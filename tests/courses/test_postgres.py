"""The same on the database of production: what cohorts and exams promise when many act at once."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.postgres import private_server

MODULES = (
    "test_cohort_races",
    "test_visibility",
    "exams/test_races",
    "exams/test_saving",
    "exams/test_writer",
)


@pytest.mark.postgres
def test_on_postgresql_cohorts_and_exams_keep_their_promises():
    with private_server() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
            + [f"tests/courses/{module}.py" for module in MODULES],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
