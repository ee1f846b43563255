"""Fails when a string that people see has no Chinese: extracts every app's strings beside the repository and compares.

The work tree is not touched. Exit code 1 and one line per string when something is missing, fuzzy or unused.
"""

import contextlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import polib
from django.core.management import call_command

from config.launch.installation import ROOT

APPS = ("certification", "community", "courses", "labs")
CATALOGUE = Path("locale/zh_Hans/LC_MESSAGES/django.po")


def extracted(app: str, beside: Path) -> polib.POFile:
    """What makemessages makes of the app now, on top of the committed catalogue."""
    copy = beside / app
    shutil.copytree(
        ROOT / app, copy, ignore=shutil.ignore_patterns("*.mo", "__pycache__", "node_modules", "*.js")
    )
    (copy / CATALOGUE).parent.mkdir(parents=True, exist_ok=True)
    os.chdir(copy)
    with contextlib.redirect_stdout(io.StringIO()):
        call_command("makemessages", locale=["zh_Hans"], verbosity=0, no_obsolete=True)
    return polib.pofile(str(copy / CATALOGUE)) if (copy / CATALOGUE).exists() else polib.POFile()


def complaints(app: str, catalogue: polib.POFile) -> Iterator[str]:
    """One line per string of the catalogue that a Chinese reader would see wrong."""
    for entry in catalogue:
        where = f"{app}/{':'.join(entry.occurrences[0])}" if entry.occurrences else app
        if entry.fuzzy:
            yield f"{where}: fuzzy: {entry.msgid!r}"
        elif not entry.translated():
            yield f"{where}: no Chinese for {entry.msgid!r}"
        elif "!" in entry.msgstr.replace("!=", "") or "！" in entry.msgstr:
            yield f"{where}: exclamation mark in {entry.msgstr!r}"


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()
    found: list[str] = []
    with tempfile.TemporaryDirectory() as beside:
        for app in APPS:
            found += complaints(app, extracted(app, Path(beside)))
        os.chdir(ROOT)
    print("\n".join(found) or "every string has its Chinese")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
