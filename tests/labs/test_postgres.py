"""The same on the database of production: every migration, and what the labs promise when many act at once."""

import pytest

from tests.postgres import assert_passed_on_postgresql

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
    assert_passed_on_postgresql(
        *(f"tests/labs/test_{module}.py" for module in MODULES),
        *(f"tests/labs/metering/test_{module}.py" for module in METERING),
    )
