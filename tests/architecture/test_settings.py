"""docs/settings.md lists every setting a person may set, and none that does not exist."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.launch.checks import PRODUCTION
from config.settings import base
from config.settings.environment import Environment, database

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("SANDBOX_", "LABS_", "COURSES_", "CERTIFICATION_", "COMMUNITY_")


def documented() -> set[str]:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    assert len(rows) == len(set(rows)), "a setting is explained twice"
    return set(rows)


def existing() -> set[str]:
    product = {name for name in vars(base) if name.startswith(PRODUCT)}
    return product | {name.upper() for name in Environment.model_fields}


def test_every_setting_is_documented():
    assert existing() - documented() == set()


def test_every_documented_setting_exists():
    assert documented() - existing() == set()


def test_production_refuses_to_start_without_exactly_what_is_marked_production():
    page = (ROOT / "docs" / "settings.md").read_text()
    marked = set(re.findall(r"^\| `([A-Z_]+)` \|.*\*\*production\.\*\*", page, re.MULTILINE))
    demanded = set(
        re.findall(r'^        "([A-Z_]+)",$', (ROOT / "config/settings/prod.py").read_text(), re.MULTILINE)
    )
    assert marked == demanded


def settings_with(**environment: str) -> subprocess.CompletedProcess[str]:
    """The settings of a process with that environment, those that the two URLs switch as JSON."""
    told = "json.dumps([s.DATABASES['default'], s.CACHES['default'], s.CHANNEL_LAYERS, s.CELERY_BROKER_URL])"
    script = f"import json; from django.conf import settings as s; print({told})"
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **PRODUCTION, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_urls_switch_database_broker_channels_and_cache_and_nothing_else_is_needed():
    switched = settings_with(
        DJANGO_SETTINGS_MODULE="config.settings.dev",
        DATABASE_URL="postgresql://me:p%40ss@db.example.org:5433/labs?sslmode=verify-full",
        REDIS_URL="redis://broker.example.org:6380/2",
    )
    data, cache, layers, broker = json.loads(switched.stdout)
    assert (data["ENGINE"], data["NAME"], data["HOST"], data["PORT"], data["PASSWORD"]) == (
        "django.db.backends.postgresql", "labs", "db.example.org", "5433", "p@ss",
    )  # fmt: skip
    assert data["OPTIONS"] == {"sslmode": "verify-full"}
    assert layers["default"]["CONFIG"]["hosts"][0]["address"] == "redis://broker.example.org:6380/2"
    assert (cache["LOCATION"], broker) == ("redis://broker.example.org:6380/2",) * 2


def test_a_database_of_another_kind_is_refused_by_name():
    with pytest.raises(ValueError, match="mysql://"):
        database("mysql://me@db.example.org/labs", Path("/nowhere"))


@pytest.mark.parametrize(
    "name", ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SIGNING_KEY_FILE", "INSTALLATION_ID"]
)
def test_a_variable_that_is_set_to_nothing_is_missing(name: str):
    refused = settings_with(**{name: ""})
    assert refused.returncode != 0
    assert f"Set {name} in the environment" in refused.stderr
