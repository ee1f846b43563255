"""The same on the database of production: what cohorts and exams promise when many act at once."""

import pytest

from tests.postgres import assert_passed_on_postgresql

MODULES = (
    "test_cohort_races",
    "test_visibility",
    "exams/test_races",
    "exams/test_saving",
    "exams/test_writer",
)


@pytest.mark.postgres
def test_on_postgresql_cohorts_and_exams_keep_their_promises():
    assert_passed_on_postgresql(*(f"tests/courses/{module}.py" for module in MODULES))
