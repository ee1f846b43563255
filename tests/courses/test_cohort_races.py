"""Many at once (test_postgres.py runs this on PostgreSQL as well): no seat twice, no place twice, nobody forgotten."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps

from courses import cohorts
from courses.models import CohortPlace, Enrolment, PlaceEvent, PlaceState, WayIn
from courses.refusals import Refusal
from tests.courses.cohort_worlds import open_cohort, teacher_of, terms_of
from tests.labs.factories import LearnerFactory
from tests.racing import AT_ONCE, called_at_once

pytestmark = pytest.mark.django_db(
    transaction=True, available_apps=[app.name for app in apps.get_app_configs()]
)


def at_once(verb: Callable[[int], Any], times: int = AT_ONCE) -> list[Any]:
    """What ``verb(0)`` … returned or raised, called by as many threads in the same moment."""
    return called_at_once(verb, times, Refusal)


def states(cohort):
    return sorted(cohort.places.values_list("state", flat=True))


def test_of_many_who_join_at_once_exactly_as_many_are_in_as_there_are_seats(course, school):
    cohort = open_cohort(school, course, seats=3)
    people = [LearnerFactory() for _n in range(AT_ONCE)]
    places = at_once(lambda n: cohorts.ask(people[n], cohort))
    assert all(isinstance(place, CohortPlace) for place in places), places
    assert states(cohort) == ["enrolled"] * 3 + ["waiting"] * (AT_ONCE - 3)
    assert Enrolment.objects.current().count() == 3


def test_a_double_click_takes_one_seat(course, school, learner):
    cohort = open_cohort(school, course, seats=3)
    places = at_once(lambda _n: cohorts.ask(learner, cohort))
    assert len({place.pk for place in places}) == 1
    assert PlaceEvent.objects.count() == 1
    assert Enrolment.objects.count() == 1


def test_many_who_are_let_in_at_once_get_no_seat_twice(course, school):
    cohort = open_cohort(school, course, seats=3, way_in=WayIn.APPROVAL)
    teacher = teacher_of(cohort)
    places = [cohorts.ask(LearnerFactory(), cohort) for _n in range(AT_ONCE)]
    at_once(lambda n: cohorts.admit(places[n], teacher))
    assert states(cohort) == ["enrolled"] * 3 + ["waiting"] * (AT_ONCE - 3)


def test_every_seat_given_up_while_others_join_is_taken_again(course, school):
    cohort = open_cohort(school, course, seats=4)
    inside = [LearnerFactory() for _n in range(4)]
    for person in inside:
        cohorts.ask(person, cohort)
    outside = [LearnerFactory() for _n in range(4)]
    at_once(
        lambda n: cohorts.ask(outside[n // 2], cohort) if n % 2 else cohorts.leave(inside[n // 2], cohort)
    )
    assert states(cohort) == ["enrolled"] * 4 + ["left"] * 4


def test_one_of_a_refusal_and_a_leaving_at_once_stands(course, school, learner):
    cohort = open_cohort(school, course, way_in=WayIn.APPROVAL)
    teacher = teacher_of(cohort)
    place = cohorts.ask(learner, cohort)
    at_once(lambda n: cohorts.refuse(place, teacher) if n % 2 else cohorts.leave(learner, cohort), times=2)
    place.refresh_from_db()
    assert place.state in {PlaceState.REFUSED, PlaceState.LEFT}
    assert PlaceEvent.objects.count() == 2


def test_fewer_seats_and_new_people_at_once_never_make_it_too_full(course, school):
    cohort = open_cohort(school, course, seats=4)
    people = [LearnerFactory() for _n in range(AT_ONCE)]

    def act(number: int) -> Any:
        if number % 2:
            return cohorts.change_cohort(cohort, terms_of(cohort, seats=2))
        return cohorts.ask(people[number], cohort)

    at_once(act)
    cohort.refresh_from_db()
    assert cohort.places.enrolled().count() <= cohort.seats
