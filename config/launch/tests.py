"""``./dev test``: the whole suite side by side, then whatever failed once more and alone."""

import os
import subprocess
from collections.abc import Sequence

from config.launch.console import say
from config.launch.installation import ROOT
from config.launch.processes import python

SIDE_BY_SIDE = ("-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder")
# Pytest's own exit code for "some tests failed"; every other one (interrupted, wrong usage) stays as it is.
FAILED = 1
# More than a handful is no accident of a busy machine.
MOST_REPEATED = 12
LAST_FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"


def run(words: Sequence[str]) -> int:
    """Pytest's exit code for the tests that ``words`` choose, all of them without any.

    A run of the whole suite keeps two processors, an engine, a browser and a database busy for a quarter of an hour.
    What fails in it is run again with the machine to itself, and named: a test that fails twice fails.
    """
    first = pytest(*SIDE_BY_SIDE, *words)
    failed = failures() if first == FAILED and not words else 0
    if not 0 < failed <= MOST_REPEATED:
        return first
    say(f"\n{failed} failed beside others; once more, one at a time:\n")
    second = pytest("-n", "0", "--last-failed", "--last-failed-no-failures", "none", "-rA", "--tb=short")
    if second == 0:
        say(f"\n! {failed} of all tests passed only when they ran alone (named above): look at why.")
    return second


def pytest(*words: str) -> int:
    # This process imported config, which settles on the settings of a start; pytest must choose its own.
    foreign = {"DJANGO_SETTINGS_MODULE", "PUBLIC_URL", "PYTHONDONTWRITEBYTECODE"}
    environment = {n: v for n, v in os.environ.items() if n not in foreign}
    return subprocess.run(python("-m", "pytest", *words), cwd=ROOT, env=environment, check=False).returncode


def failures() -> int:
    """How many tests the last run left failed."""
    try:
        return LAST_FAILED.read_text().count("::")
    except FileNotFoundError:
        return 0
