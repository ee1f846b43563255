"""Where no sandbox can run, the cause and its exact fix are said, and can be said in both languages."""

import socket
from pathlib import Path

import pytest
import requests

from labs.drivers.base import DriverUnavailable, Problem
from labs.drivers.docker import diagnosis
from labs.drivers.docker import engine as docker_engine
from labs.drivers.docker.diagnosis import find_problem, judge
from labs.drivers.docker.driver import DockerDriver, DriverOptions
from labs.engine import SAID_BY_DRIVERS, get_driver

GOOD = {
    "MemoryLimit": True,
    "PidsLimit": True,
    "CpuCfsQuota": True,
    "SecurityOptions": ["name=seccomp,profile=default"],
}


def test_an_engine_that_can_do_everything_has_no_problem():
    assert judge(GOOD, "1.41", 0) is None


@pytest.mark.parametrize(
    ("info", "api", "euid", "problem"),
    [
        (GOOD, "1.40", 0, diagnosis.TOO_OLD),
        (GOOD, "1.41", 1000, diagnosis.NOT_ROOT),
        ({**GOOD, "MemoryLimit": False}, "1.41", 0, diagnosis.NO_LIMITS),
        ({**GOOD, "PidsLimit": False}, "1.41", 0, diagnosis.NO_LIMITS),
        ({**GOOD, "CpuCfsQuota": False}, "1.41", 0, diagnosis.NO_LIMITS),
        ({**GOOD, "SecurityOptions": None}, "1.41", 0, diagnosis.NO_SECCOMP),
    ],
)
def test_what_is_lacking_is_named(info: dict[str, object], api: str, euid: int, problem: Problem):
    assert judge(info, api, euid) == problem


def test_without_a_socket_no_engine_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert find_problem(None) == diagnosis.NOT_RUNNING


def test_a_socket_that_nobody_listens_on_is_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/left.sock")
    monkeypatch.setattr(docker_engine, "_held", type(docker_engine._held)())
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(f"{tmp_path}/left.sock")
    assert find_problem(None) == diagnosis.NOT_RUNNING


@pytest.mark.docker
def test_a_connection_that_broke_since_the_last_call_is_no_missing_engine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(docker_engine, "_held", type(docker_engine._held)())
    held = docker_engine.api()
    assert find_problem(None) is None
    monkeypatch.setattr(held, "get", lambda *_args, **_kwargs: _broken())
    assert find_problem(None) is None
    assert docker_engine.api() is not held


def _broken() -> None:
    raise requests.exceptions.ConnectionError("Connection aborted.")


def test_a_driver_without_an_engine_raises_with_the_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    driver = DockerDriver(DriverOptions("test", str(tmp_path)))
    with pytest.raises(DriverUnavailable) as raised:
        driver.list_refs()
    assert "service docker start" in raised.value.remedy


def test_every_word_of_the_driver_can_be_translated():
    said = {
        words
        for problem in vars(diagnosis).values()
        if isinstance(problem, Problem)
        for words in (problem.message, problem.remedy)
    }
    assert said == SAID_BY_DRIVERS


def test_the_product_uses_the_driver_that_is_set(settings):
    assert get_driver() is get_driver()
    settings.SANDBOX_DRIVER = "docker"
    assert isinstance(get_driver(), DockerDriver)
    settings.SANDBOX_DRIVER = "hyperdrive"
    with pytest.raises(ValueError, match="docker, fake"):
        get_driver()
