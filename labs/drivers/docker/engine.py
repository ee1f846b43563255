"""The one way to the Docker engine: a client per thread, a time limit on every call, and our errors instead of its."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException

from labs.drivers.base import DriverBusy, DriverError, DriverUnavailable

CALL_TIMEOUT_S = 60
CONFLICT = 409
NOT_FOUND = 404

_held = threading.local()


def api(timeout_s: int = CALL_TIMEOUT_S) -> Any:
    """The low-level client of this thread, made at the first call after a fork. Raises DriverUnavailable."""
    clients: dict[tuple[int, int, str], Any] = _held.__dict__.setdefault("clients", {})
    address = os.environ.get("DOCKER_HOST", "")
    key = (os.getpid(), timeout_s, address)
    if key not in clients:
        with engine_errors():
            clients[key] = docker.APIClient(base_url=address or None, version="auto", timeout=timeout_s)
    return clients[key]


def forget() -> None:
    """The next call of this thread makes a connection of its own instead of going on with one from before."""
    for client in _held.__dict__.pop("clients", {}).values():
        client.close()


@contextmanager
def engine_errors() -> Iterator[None]:
    """Whatever the SDK or its transport raises inside leaves as one of the driver's errors."""
    try:
        yield
    except APIError as error:
        explanation = str(error.explanation or error)
        if error.status_code is not None and error.status_code in {CONFLICT, 429, 503}:
            raise DriverBusy(explanation) from error
        raise DriverError(explanation) from error
    except requests.exceptions.Timeout as error:
        raise DriverBusy("The Docker engine did not answer in time.") from error
    except (DockerException, requests.exceptions.RequestException, OSError) as error:
        raise DriverUnavailable(f"No Docker engine answers: {error}") from error


def is_missing(error: APIError) -> bool:
    """The engine has no such object (any more)."""
    return bool(error.status_code == NOT_FOUND)


def is_conflict(error: APIError) -> bool:
    """Somebody else did it already, or is doing it now."""
    return bool(error.status_code == CONFLICT)
