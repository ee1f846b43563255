"""The engine in memory, empty for every test, and a way to let what waits for commit happen."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from labs.drivers.fake import FakeDriver
from labs.engine import get_driver
from tests.labs.factories import LabFactory, LearnerFactory


@pytest.fixture
def engine() -> Iterator[FakeDriver]:
    driver = get_driver()
    assert isinstance(driver, FakeDriver)
    driver.reset()
    yield driver
    driver.reset()


@pytest.fixture
def learner(db: None) -> Any:
    return LearnerFactory()


@pytest.fixture
def lab(db: None) -> Any:
    return LabFactory()


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    """Calls a verb and lets what it left for after the commit happen at once."""

    def call(verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return verb(*args, **kwargs)

    return call
