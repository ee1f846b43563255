"""The product's rows without its processes: a database of their own and the engine in memory, in a process beside."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

from bench.world import World
from config.launch.installation import ROOT
from tests.stack import migrated_template


def apart(world: World, function: str, **arguments: Any) -> Any:
    """What ``function`` of ``bench.rows`` returned there, as JSON carries it."""
    database = world.folder / f"{function}.sqlite3"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"sqlite:///{database}",
    }
    template = migrated_template()
    if template is not None:
        shutil.copyfile(template, database)
    # A template may be of yesterday.
    _run(environment, "migrate", "--verbosity", "0")
    call = f"import json; from bench import rows; print(json.dumps(rows.{function}(**{arguments!r})))"
    return json.loads(_run(environment, "shell", "--no-imports", "-c", call).splitlines()[-1])


def _run(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {words[0]} failed:\n{done.stderr[-4000:]}")
    return done.stdout
