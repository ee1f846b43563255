"""The product's rows without its processes: a database of their own and the engine in memory, in a process beside."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

from bench.world import World
from config.launch.installation import ROOT

# A template may be of yesterday.
CALL = """
import json
from django.core.management import call_command
call_command("migrate", verbosity=0)
from bench import rows
print(json.dumps(rows.{function}(**{arguments!r})))
"""


def apart(world: World, function: str, **arguments: Any) -> Any:
    """What ``function`` of ``bench.rows`` returned there, as JSON carries it."""
    database = world.folder / f"{function}.sqlite3"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"sqlite:///{database}",
    }
    shutil.copyfile(world.template, database)
    call = CALL.format(function=function, arguments=arguments)
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
