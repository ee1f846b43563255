"""A PostgreSQL server of the tests' own, on a unix socket in a temporary folder; gone when the last test has run."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
BINARIES = Path("/usr/lib/postgresql")
OPTIONS = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=60"


def binaries() -> Path:
    """The folder of the newest PostgreSQL on this machine. Raises RuntimeError with the fix."""
    found = sorted(BINARIES.glob("*/bin"), key=lambda path: float(path.parent.name))
    if not found:
        raise RuntimeError("There is no PostgreSQL on this machine: apt-get install postgresql")
    return found[-1]


def owner() -> dict[str, Any]:
    """Who runs the server: it refuses root, so root hands over to the user that Debian's package made."""
    if os.geteuid() != 0:
        return {}
    person = pwd.getpwnam("postgres")
    return {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}


@contextmanager
def private_server() -> Iterator[str]:
    """The DATABASE_URL of a running server with an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="yl-pg-", dir="/tmp"))
    who = owner()
    if who:
        os.chown(folder, who["user"], who["group"])

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [binaries() / program, *arguments],
            check=True,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdout=subprocess.DEVNULL,
            **who,
        )

    data = str(folder / "data")
    try:
        run("initdb", "--no-sync", "--auth=trust", "--username=yunlian", "--encoding=UTF8", "-D", data)
        log = str(folder / "log")
        run("pg_ctl", "start", "-w", "-s", "-D", data, "-l", log, "-o", f"{OPTIONS} -k {folder}")
        try:
            run("createdb", "-h", str(folder), "-U", "yunlian", "yunlian")
            yield f"postgresql://yunlian@{quote(str(folder), safe='')}/yunlian"
        finally:
            run("pg_ctl", "stop", "-s", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder)


def assert_passed_on_postgresql(*files: str) -> None:
    """These test files, run again by a pytest of their own on a server of their own, all pass."""
    with private_server() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
