"""A course with one lesson to say 'done' to and one with a lab."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import translation

from community.api import Organisation, User
from courses.models import CataloguePage
from labs.models import Lab
from tests.courses.worlds import CourseWorld, course_in, site_in_two_languages
from tests.labs.factories import LabFactory, LearnerFactory


@pytest.fixture(autouse=True)
def chinese_until_asked_otherwise() -> Iterator[None]:
    """A request leaves its language behind in this thread; the next test must not inherit it."""
    with translation.override("zh-hans"):
        yield


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
def school(db: None) -> Organisation:
    return Organisation.objects.create(slug="school", name_zh="云海大学", name_en="Yunhai University")


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    """Calls a verb and lets what it left for after the commit happen at once."""

    def call(verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return verb(*args, **kwargs)

    return call
