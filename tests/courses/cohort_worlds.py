"""Small worlds of cohorts: an organisation with people, and cohorts of its own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from community.api import Membership, Organisation, User
from courses import cohorts
from courses.cohorts import Terms
from courses.models import Cohort, WayIn
from tests.courses.worlds import CourseWorld
from tests.labs.factories import LearnerFactory


def member_of(organisation: Organisation, responsible: bool = False, **fields: Any) -> User:
    """A new person who belongs to the organisation."""
    person = LearnerFactory(**fields)
    role = Membership.Role.RESPONSIBLE if responsible else Membership.Role.MEMBER
    Membership.objects.create(organisation=organisation, person=person, role=role)
    return person


def open_cohort(
    organisation: Organisation, course: CourseWorld, teacher: User | None = None, **terms: Any
) -> Cohort:
    """A cohort of the course that is under way, taught by somebody new unless told otherwise."""
    today = timezone.localdate()
    wanted = Terms(
        name="秋季班 Autumn",
        starts_on=today - timedelta(days=1),
        ends_on=today + timedelta(days=30),
        seats=None,
        way_in=WayIn.OPEN,
    )
    return cohorts.open_cohort(
        organisation, course.key, replace(wanted, **terms), teacher or LearnerFactory()
    )


def terms_of(cohort: Cohort, **changes: Any) -> Terms:
    """What the cohort's terms are, with ``changes``."""
    terms = Terms(cohort.name, cohort.starts_on, cohort.ends_on, cohort.seats, WayIn(cohort.way_in))
    return replace(terms, **changes)


def teacher_of(cohort: Cohort) -> User:
    return cohort.instructors.select_related("person").first().person
