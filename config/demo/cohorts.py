"""Who takes the demo course together: a university with its people, and a cohort of its own."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from community.api import Membership, Organisation
from config.demo import texts
from config.demo.teaching import people
from courses.api import CoursePage, Terms, WayIn, admit, ask, open_cohort


@transaction.atomic
def load_cohort() -> None:
    """Both stand; with a university that is there already everything stays as it is."""
    table = texts.table("cohorts.toml")
    wanted = table["cohort"]
    course = CoursePage.objects.live().filter(slug=wanted["course"]).first()
    teachers = people([wanted["teaches"]])
    if (
        course is None
        or not teachers
        or Organisation.objects.filter(slug=table["university"]["slug"]).exists()
    ):
        return
    first = timezone.localdate()
    terms = Terms(
        name=wanted["name"],
        starts_on=first,
        ends_on=first + timedelta(weeks=wanted["weeks"]),
        seats=wanted["seats"],
        way_in=WayIn.APPROVAL,
    )
    cohort = open_cohort(university(table["university"]), course.translation_key, terms, teachers[0])
    for person in people(wanted["learns"]):
        admit(ask(person, cohort), teachers[0])
    for person in people(wanted["asks"]):
        ask(person, cohort)


def university(wanted: dict[str, Any]) -> Organisation:
    """A new organisation with its people."""
    made = Organisation.objects.create(slug=wanted["slug"], name_zh=wanted["zh"], name_en=wanted["en"])
    for role, names in (
        (Membership.Role.RESPONSIBLE, wanted["responsible"]),
        (Membership.Role.MEMBER, wanted["members"]),
    ):
        for person in people(names):
            Membership.objects.create(organisation=made, person=person, role=role)
    return made
