"""The migrations as a new installation meets them: all of them, one after the other, from an empty file."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def manage(var: Path, *words: str) -> subprocess.CompletedProcess[str]:
    foreign = {"DATABASE_URL", "REDIS_URL", "PUBLIC_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    environment |= {"YUNLIAN_VAR": str(var), "DJANGO_SETTINGS_MODULE": "config.settings.dev"}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_migration_applies_to_an_empty_database_and_the_models_want_no_more(tmp_path):
    applied = manage(tmp_path, "migrate", "--no-input", "--verbosity", "0")
    assert applied.returncode == 0, applied.stderr
    wanted = manage(tmp_path, "makemigrations", "--check", "--dry-run")
    assert wanted.returncode == 0, wanted.stdout
