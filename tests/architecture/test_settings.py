"""docs/settings.md lists every setting a person may set, and none that does not exist."""

import re
from pathlib import Path

from config.settings import base
from config.settings.environment import Environment

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
