"""``./dev lint``: every check, two at a time, all of their complaints at once."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from config.launch.console import say
from config.launch.installation import ROOT

SCRIPTS = Path(sys.executable).parent
# The values are of the right form and open nothing; the check never connects.
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "config.settings.prod",
    "SECRET_KEY": "lint-" + "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
    "PUBLIC_URL": "https://labs.example.org",
    "DATABASE_URL": "postgresql://yunlian@localhost/yunlian",
    "REDIS_URL": "redis://localhost:6379/0",
    "INSTALLATION_ID": "lint",
    "SIGNING_KEY_FILE": str(ROOT / "var" / "signing-key.pem"),
}
TEST = {"DJANGO_SETTINGS_MODULE": "config.settings.test"}


@dataclass(frozen=True)
class Check:
    name: str
    argv: Sequence[str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Finding:
    check: Check
    exit_code: int
    output: str
    seconds: float


def tool(name: str) -> str:
    return str(SCRIPTS / name)


def checks() -> list[Check]:
    """Slowest first, so that two workers end together."""
    python = sys.executable
    templates = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("*/templates"))]
    return [
        Check("types", [tool("mypy")], TEST),
        Check("missing translations", [python, "-m", "config.launch.translations"], TEST),
        Check("templates", [tool("djlint"), "--quiet", "--lint", *templates], {}),
        Check("import contracts", [tool("lint-imports"), "--no-cache"], {}),
        Check("migration drift", [python, "manage.py", "makemigrations", "--check", "--dry-run"], TEST),
        Check(
            "deployment", [python, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION
        ),
        Check("ruff", [tool("ruff"), "check", "--quiet", "."], {}),
        Check("format", [tool("ruff"), "format", "--check", "--quiet", "."], {}),
    ]


def run(check: Check) -> Finding:
    started = time.monotonic()
    clean = {name: value for name, value in os.environ.items() if name not in PRODUCTION}
    done = subprocess.run(
        check.argv, cwd=ROOT, env={**clean, **check.environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return Finding(check, done.returncode, done.stdout, time.monotonic() - started)


def run_all(only: Sequence[str]) -> int:
    """0 when no check complains. ``only`` names some of them; none means all."""
    chosen = [check for check in checks() if not only or check.name in only]
    if not chosen:
        say(f"There is no check {' '.join(only)!r}; these are: {', '.join(check.name for check in checks())}")
        return 2
    failed = []
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for finding in pool.map(run, chosen):
            say(f"{'✓' if finding.exit_code == 0 else '✗'} {finding.check.name} ({finding.seconds:.1f} s)")
            if finding.exit_code:
                failed.append(finding.check.name)
                say(finding.output.rstrip())
    say(
        f"{len(chosen) - len(failed)} of {len(chosen)} checks are clean."
        + (f" Not: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0
