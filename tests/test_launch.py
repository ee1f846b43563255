"""The launcher as a person meets it: what it refuses and how, and that nothing is left when it ends."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from config.launch import engine, up
from config.launch.console import Failure
from config.launch.installation import ROOT, Installation, Wish
from tests.stack import Stack, free_port, make_stack, migrated_template


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A new installation, its folder short enough for sockets."""
    var = Path(tempfile.mkdtemp(prefix="yl-"))
    for name in ("PUBLIC_URL", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("YUNLIAN_VAR", str(var))
    made = Installation(var)
    made.make_folders()
    yield made
    shutil.rmtree(var)


def launch(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, "-m", "config.launch", *words],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_address_is_fixed_at_the_first_start(installation):
    assert up.confirm_url(installation, Wish(port=8123)) == "http://localhost:8123"
    installation.keep_listen_address("127.0.0.1", 8123)
    assert up.confirm_url(installation, Wish()) == "http://localhost:8123"


def test_another_address_is_refused_without_a_person_to_ask_and_the_command_is_said(installation):
    installation.keep_url("http://localhost:8123")
    refused = launch("up", "--port", str(free_port()))
    assert refused.returncode == 1
    assert "its credentials carry it" in refused.stderr
    assert "--change-url" in refused.stderr
    assert installation.saved_url == "http://localhost:8123"


def test_another_public_url_is_refused_too(installation, monkeypatch):
    installation.keep_url("http://localhost:8123")
    monkeypatch.setenv("PUBLIC_URL", "https://labs.example.org")
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115
    with pytest.raises(Failure, match=r"PUBLIC_URL=https://labs\.example\.org \./dev up"):
        up.confirm_url(installation, Wish())
    sys.stdin.close()


def test_the_address_changes_when_asked_for_in_so_many_words(installation):
    installation.keep_url("http://localhost:8123")
    assert up.confirm_url(installation, Wish(port=9000, change_url=True)) == "http://localhost:9000"
    assert installation.saved_url == "http://localhost:9000"


def test_listening_everywhere_says_how_to_give_the_address_that_people_use(installation, capsys):
    assert up.confirm_url(installation, Wish(host="0.0.0.0", port=8000)) == "http://localhost:8000"
    assert "PUBLIC_URL=http://" in capsys.readouterr().out


def test_an_address_fixed_before_may_be_listened_for_everywhere(installation):
    installation.keep_url("https://labs.example.org")
    installation.keep_listen_address("127.0.0.1", 8123)
    assert up.confirm_url(installation, Wish(host="0.0.0.0")) == "https://labs.example.org"
    with pytest.raises(Failure, match="credentials carry it"):
        up.confirm_url(installation, Wish(host="0.0.0.0", port=9000))


@pytest.mark.parametrize(
    ("info", "euid", "cause"),
    [
        (None, 1000, "as root"),
        ({"MemoryLimit": True, "PidsLimit": True, "CpuCfsQuota": True}, 1000, "as root"),
        ({"MemoryLimit": False, "PidsLimit": True, "CpuCfsQuota": True}, 0, "MemoryLimit"),
    ],
)
def test_an_engine_that_answers_and_cannot_run_sandboxes_is_told_at_the_start(info, euid, cause):
    with pytest.raises(Failure, match=cause):
        engine.ensure_able(info, euid)


def test_a_taken_port_is_said_with_a_way_out_before_anything_is_started(installation):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = launch("up", "--port", str(port))
    assert refused.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in refused.stderr
    assert f"--port {port + 1}" in refused.stderr
    assert installation.saved_url == "", "an address that could not be had must not be kept"


def test_a_path_too_long_for_sockets_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("YUNLIAN_VAR", str(tmp_path / ("deep" * 20)))
    refused = launch("up")
    assert refused.returncode == 1
    assert "too long" in refused.stderr
    assert "Fix: set YUNLIAN_VAR" in refused.stderr


def test_down_without_anything_running_says_so(installation):
    assert launch("down").stdout.strip() == "Nothing is running."


def test_two_launchers_do_not_hold_one_installation(installation):
    other = Installation(installation.var)
    assert installation.take()
    assert not other.take()
    assert other.is_running()
    installation.release()
    assert not other.is_running()


SLOW_TO_END = """
import os, signal, sys, time
from pathlib import Path
from config.launch.installation import Installation

installation = Installation(Path(sys.argv[1]))
assert installation.take()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
installation.write_state(pid=os.getpid(), url="", ready=True, processes={})
print("runs", flush=True)
signal.sigwait([signal.SIGTERM])
installation.release()
time.sleep(0.5)
"""


def test_down_returns_only_when_the_launcher_itself_has_ended(installation):
    launcher = subprocess.Popen(
        [sys.executable, "-c", SLOW_TO_END, str(installation.var)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == "runs\n"
        stopped = launch("down")
        ended = launcher.poll()
    assert stopped.returncode == 0, stopped.stderr
    assert ended == 0


def processes_of(var: Path) -> list[str]:
    """Command lines of every process that was started for this installation and still runs."""
    mark = f"YUNLIAN_VAR={var}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int(folder.name) != os.getpid() and mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.stack
@pytest.mark.docker
def test_a_second_up_says_where_the_first_runs_and_prints_the_people(stack: Stack):
    second = subprocess.run(
        stack.command("up"), cwd=ROOT, env=stack.environment, capture_output=True, text=True, check=False
    )
    assert second.returncode == 0
    assert f"Already running at {stack.url}" in second.stdout
    for username, password in stack.people.items():
        assert username in second.stdout
        assert password in second.stdout


@pytest.mark.stack
@pytest.mark.docker
def test_every_secret_is_readable_by_its_owner_alone(stack: Stack):
    made_at_start = ("people.json", "secret-key", "installation-id")
    secrets = [*(stack.var / name for name in made_at_start), *stack.var.glob("signing-key*")]
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in secrets}
    assert modes == dict.fromkeys(modes, "0o600")
    assert (stack.var.stat().st_mode & 0o077) == 0
    assert ((stack.var / "broker").stat().st_mode & 0o077) == 0


@pytest.mark.parametrize(("elsewhere", "stopped"), [("", [4242]), ("unix:///elsewhere/docker.sock", [])])
def test_a_launcher_that_used_an_engine_elsewhere_leaves_the_one_started_here_alone(
    tmp_path, monkeypatch, elsewhere, stopped
):
    monkeypatch.setenv("DOCKER_HOST", elsewhere)
    monkeypatch.setattr(engine, "answers", lambda: True)
    monkeypatch.setattr(engine, "running_containers", lambda: 0)
    monkeypatch.setattr(engine.Engine, "folder", tmp_path)
    monkeypatch.setattr(engine.Engine, "_our_daemon", lambda _self: 4242)
    found: list[int] = []
    monkeypatch.setattr(engine.Engine, "_stop", lambda _self, pid: found.append(pid))
    launcher = engine.Engine(tmp_path)
    launcher.ensure()
    launcher.leave()
    assert found == stopped


@pytest.fixture
def own_stack(worker_id: str, django_db_setup: None) -> Iterator[Stack]:
    """A product of the test's own, which the test may end."""
    own = make_stack(worker_id, 1, migrated_template())
    own.start()
    yield own
    own.stop()
    shutil.rmtree(own.var)


@pytest.fixture
def own_stack_without_engine(worker_id: str, django_db_setup: None) -> Iterator[Stack]:
    """A product on a machine where no engine can be had."""
    own = make_stack(worker_id, 2, migrated_template())
    own.extra["DOCKER_HOST"] = f"unix://{own.var}/no-engine.sock"
    own.start()
    yield own
    own.stop()
    shutil.rmtree(own.var)


@pytest.mark.stack
@pytest.mark.docker
def test_control_c_leaves_no_process_container_network_or_socket(own_stack: Stack):
    answer = httpx.post(
        f"{own_stack.url}/api/v1/lab-sessions",
        json={"lab": "load-balancing"},
        headers={"Authorization": f"Bearer {own_stack.token('trainee')}"},
        timeout=30,
    )
    assert answer.status_code == 201
    own_stack.wait_until(lambda: own_stack.engine_objects("containers"), 60, "a container of the lab")
    said = own_stack.stop(signal.SIGINT)
    assert own_stack.launcher is not None
    assert own_stack.launcher.returncode == 0, said
    assert processes_of(own_stack.var) == []
    assert own_stack.nothing_left()
    assert not (own_stack.var / "broker" / "redis.sock").exists()
    assert own_stack.installation.state() == {}
    keepers = own_stack.var / "keepers"
    # The tools of the checks, copied once for all sandboxes of this host, stay under names with a dot.
    assert [path.name for path in keepers.glob("*") if not path.name.startswith(".")] == []


@pytest.mark.stack
def test_where_no_engine_can_be_had_all_but_the_labs_works_and_cause_and_fix_are_said(
    own_stack_without_engine: Stack,
):
    own = own_stack_without_engine
    said = (own.installation.logs / "launcher.log").read_text()
    assert f"! Labs will not run: No Docker engine answers at DOCKER_HOST={own.extra['DOCKER_HOST']}" in said
    assert "Fix: start it there, or unset DOCKER_HOST" in said
    for page in ("/zh-hans/", "/en/labs/", "/en/verify/", "/healthz/"):
        assert httpx.get(own.url + page, timeout=30).status_code == 200
    authorization = {"Authorization": f"Bearer {own.token('trainee')}"}

    def told() -> str:
        """The refusal's remedy, or the message of a session opened before the first sweep had looked."""
        answer = httpx.post(
            f"{own.url}/api/v1/lab-sessions?lang=en",
            json={"lab": "load-balancing"},
            headers=authorization,
            timeout=30,
        )
        assert answer.status_code in {200, 201, 503}
        return answer.json().get("remedy") or answer.json().get("message") or ""

    assert "docker.io" in own.wait_until(told, 60, "the fix, told to a learner")
    assert own.stop(signal.SIGINT).endswith("Stopped.\n")
    assert processes_of(own.var) == []
