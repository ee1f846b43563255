"""A course with one lesson to say 'done' to and one with a lab."""

from collections.abc import Callable
from typing import Any

import pytest

from community.api import User
from courses.models import CataloguePage
from labs.models import Lab
from tests.courses.worlds import CourseWorld, course_in, site_in_two_languages
from tests.labs.factories import LabFactory, LearnerFactory


@pytest.fixture
def catalogues(db: None) -> dict[str, CataloguePage]:
    return site_in_two_languages()


@pytest.fixture
def learner(db: None) -> User:
    return LearnerFactory()


@pytest.fixture
def lab(db: None) -> Lab:
    return LabFactory(slug="load-balancing", minutes=30)


@pytest.fixture
def course(catalogues: dict[str, CataloguePage], lab: Lab) -> CourseWorld:
    world = course_in(catalogues)
    world.reading = world.lesson("Reading")
    world.practice = world.lesson("Practice", labs=(lab,))
    return world


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    """Calls a verb and lets what it left for after the commit happen at once."""

    def call(verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return verb(*args, **kwargs)

    return call
