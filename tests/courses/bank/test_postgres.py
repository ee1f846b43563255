"""Question banks on PostgreSQL: the same promises, kept by its own triggers."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.postgres import private_server

VERSIONS = "tests/courses/bank/test_versions.py"


@pytest.mark.postgres
def test_on_postgresql_versions_and_events_are_kept_as_they_are():
    with private_server() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", VERSIONS],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
