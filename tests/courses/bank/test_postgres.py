"""Question banks on PostgreSQL: the same promises, kept by its own triggers."""

import pytest

from tests.postgres import assert_passed_on_postgresql

VERSIONS = "tests/courses/bank/test_versions.py"


@pytest.mark.postgres
def test_on_postgresql_versions_and_events_are_kept_as_they_are():
    assert_passed_on_postgresql(VERSIONS)
