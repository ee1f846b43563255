"""The whole product as real processes on the real engine, for journeys and faults: the fixture ``stack``.

It runs ``python -m config.launch up`` as a person does, with a VAR_DIR, port, installation id and subnets of its own, so
that several test workers and a demo share one machine. All tests that use it run in one xdist worker.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest

from config.launch import engine
from config.launch.installation import ROOT, Installation

READY_SECONDS = 240
STOP_SECONDS = 90
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(predicate: Callable[[], T], seconds: float, what: str) -> T:
    """What ``predicate`` returned when it was first true; fails the test after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        found = predicate()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Stack:
    """One running installation, and what a test may do to it."""

    def __init__(self, var: Path, *, subnets: str, template: Path | None = None) -> None:
        self.installation = Installation(var)
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.launcher: subprocess.Popen[str] | None = None
        self.extra = {
            "YUNLIAN_VAR": str(var),
            "SANDBOX_SUBNETS": subnets,
            "SANDBOX_UIDS": "300000-309999",
            "SANDBOX_CAPACITY_CPUS": "32",
            "SANDBOX_CAPACITY_MIB": "16384",
            # Whatever else runs on this machine, labs begin.
            "SANDBOX_RESERVE_MIB": "0",
            "SANDBOX_DISK_PERCENT": "100",
            "SANDBOX_DISK_FREE_MIB": "0",
            "SANDBOX_POOL_PERCENT": "0",  # tests count what the engine holds
        }
        self.installation.make_folders()
        if template is not None and template.exists():
            shutil.copyfile(template, var / "db.sqlite3")

    @property
    def environment(self) -> dict[str, str]:
        foreign = {"DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "ALLOWED_HOSTS"}
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        return {**kept, **self.extra}

    @property
    def var(self) -> Path:
        return self.installation.var

    # --- life ---

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "config.launch", *words]

    def start(self) -> None:
        """The site answers. Fails the test with what the launcher said otherwise."""
        log = self.installation.logs / "launcher.log"
        with log.open("a") as told:
            self.launcher = subprocess.Popen(
                self.command("up", "--port", str(self.port)),
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                start_new_session=True,
                text=True,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self.installation.state().get("ready"):
            if self.launcher.poll() is not None or time.monotonic() > deadline:
                self.launcher.kill()
                pytest.fail(f"./dev up did not get ready:\n{log.read_text()[-4000:]}")
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> str:
        """What the launcher said until it ended; repeating changes nothing."""
        assert self.launcher is not None
        if self.launcher.poll() is None:
            self.launcher.send_signal(number)
            self.launcher.wait(STOP_SECONDS)
        return (self.installation.logs / "launcher.log").read_text()

    # --- people ---

    @property
    def people(self) -> dict[str, str]:
        """Username to password."""
        return {person["username"]: person["password"] for person in self.installation.people()}

    def token(self, username: str) -> str:
        """A new API token of that person."""
        return self.manage("create_token", username).strip()

    def manage(self, *args: str) -> str:
        """What ``manage.py`` printed."""
        environment = {
            **self.environment,
            "PUBLIC_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        }
        done = subprocess.run(
            [sys.executable, "manage.py", *args],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    # --- processes: broker, web, worker, beat ---

    def pid(self, name: str) -> int:
        return int(self.installation.state()["processes"][name])

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """The process got the signal and a new one of that name runs."""
        old = self.pid(name)
        os.kill(old, number)
        self.wait_until(lambda: self.pid(name) != old, 30, f"a new {name} process")

    def restart(self, name: str) -> None:
        self.kill(name, signal.SIGTERM)

    def wait_until(self, predicate: Callable[[], T], seconds: float, what: str) -> T:
        return wait_until(predicate, seconds, what)

    # --- the engine, asked past the product ---

    @property
    def installation_id(self) -> str:
        return (
            (self.var / "installation-id")
            .read_text()
            .strip()[:12]
            .lower()
            .replace("_", "0")
            .replace("-", "1")
        )

    def engine_objects(self, kind: str) -> list[dict[str, Any]]:
        """Containers or networks of this installation, running or not."""
        labels = quote(json.dumps({"label": [f"yunlian.installation={self.installation_id}"]}))
        return list(
            json.loads(
                engine.ask(f"/{kind}/{'json' if kind == 'containers' else ''}?all=1&filters={labels}") or "[]"
            )
        )

    def nothing_left(self) -> bool:
        return not self.engine_objects("containers") and not self.engine_objects("networks")

    def remove_container(self, container_id: str) -> None:
        """Gone from the engine, behind the product's back."""
        connection = engine.SocketConnection(engine.address().removeprefix("unix://"))
        connection.request("DELETE", f"/containers/{container_id}?force=1")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 204


def make_stack(worker_id: str, offset: int, template: Path | None) -> Stack:
    """A stack not yet started; ``offset`` keeps the subnets of one worker's stacks apart."""
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 15
    subnets = f"10.{221 + offset}.{16 * (number % 16)}.0/20"
    return Stack(Path(tempfile.mkdtemp(prefix="yl-")), subnets=subnets, template=template)


def migrated_template() -> Path | None:
    """A database that the suite has already migrated for this schema, so that no stack waits for it again."""
    found = sorted((ROOT / ".cache" / "test-db").glob("*.template"))
    return found[-1] if len(found) == 1 else None


@pytest.fixture(scope="session")
def stack(worker_id: str, django_db_setup: None) -> Iterator[Stack]:
    """The product, running; started once per session."""
    running = make_stack(worker_id, 0, migrated_template())
    running.start()
    yield running
    running.stop()
    shutil.rmtree(running.var, ignore_errors=True)
