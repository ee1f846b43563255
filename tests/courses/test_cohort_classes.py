"""The class that labs keep for a cohort: the same people, no door of its own, and nobody in it after the last day."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from courses import classes, cohorts
from courses.models import Cohort, WayIn
from courses.tasks import settle
from labs.api import wall_url
from labs.models import Place, TaughtClass
from labs.teaching.classes import NoSuchCode, class_with
from tests.courses.cohort_worlds import member_of, open_cohort, teacher_of, terms_of
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory


def class_of(cohort):
    return TaughtClass.objects.get(kept_for=classes.key_of(cohort.pk))


def people_of(cohort, role=Place.LEARNS):
    return {place.person for place in class_of(cohort).places.filter(role=role).select_related("person")}


def test_a_cohorts_class_has_its_name_and_its_instructor_from_the_start(course, school):
    cohort = open_cohort(school, course, name="Autumn")
    assert class_of(cohort).name == "Autumn"
    assert people_of(cohort, Place.TEACHES) == {teacher_of(cohort)}


def test_whoever_holds_a_seat_learns_in_the_class_and_nobody_else(course, school):
    cohort = open_cohort(school, course, seats=1)
    first, second = LearnerFactory(), LearnerFactory()
    for person in (first, second):
        cohorts.ask(person, cohort)
    assert people_of(cohort) == {first}
    cohorts.leave(first, cohort)
    assert people_of(cohort) == {second}


def test_whoever_only_asks_is_not_watched(course, school, learner):
    cohort = open_cohort(school, course, way_in=WayIn.APPROVAL)
    place = cohorts.ask(learner, cohort)
    session = SessionFactory(learner=learner, lab=LabFactory())
    assert not teacher_of(cohort).has_perm("labs.watch_session", session)
    cohorts.admit(place, teacher_of(cohort))
    assert teacher_of(cohort).has_perm("labs.watch_session", session)
    cohorts.refuse(place, teacher_of(cohort))
    assert not teacher_of(cohort).has_perm("labs.watch_session", session)


def test_instructors_and_the_name_follow_the_cohort(course, school):
    cohort = open_cohort(school, course)
    first = cohort.instructors.get()
    second = LearnerFactory()
    cohorts.add_instructor(cohort, second.username)
    cohorts.remove_instructor(first)
    cohorts.change_cohort(cohort, terms_of(cohort, name="Spring"))
    assert people_of(cohort, Place.TEACHES) == {second}
    assert class_of(cohort).name == "Spring"


def test_no_code_leads_into_the_class_of_a_cohort(course, school):
    code = class_of(open_cohort(school, course)).code
    with pytest.raises(NoSuchCode):
        class_with(code)


def test_its_people_are_not_changed_in_labs_and_the_page_says_where(client, course, school, learner):
    cohort = open_cohort(school, course)
    cohorts.ask(learner, cohort)
    taught = class_of(cohort)
    client.force_login(teacher_of(cohort))
    page = client.get(reverse("labs:class", args=[taught.pk])).content.decode()
    assert reverse("courses:cohort", args=[cohort.pk]) in page
    assert taught.code not in page
    wish = {"names": LearnerFactory().username, "role": "learns"}
    assert client.post(reverse("labs:class", args=[taught.pk]), wish).status_code == 403
    client.force_login(learner)
    place = taught.places.get(person=learner)
    answer = client.post(reverse("labs:leave-class", args=[taught.pk, place.pk]))
    assert answer["Location"] == reverse("courses:cohort", args=[cohort.pk])
    assert people_of(cohort) == {learner}


def test_the_instructors_page_leads_to_the_wall_and_others_have_none(client, course, school):
    cohort = open_cohort(school, course)
    client.force_login(teacher_of(cohort))
    wall = reverse("labs:wall", args=[class_of(cohort).pk])
    assert wall in client.get(reverse("courses:cohort", args=[cohort.pk])).content.decode()
    assert client.get(wall).status_code == 200
    assert wall_url(classes.key_of(cohort.pk), member_of(school, responsible=True)) == ""


def test_after_the_last_day_nobody_is_watched_any_more(course, school, learner):
    cohort = open_cohort(school, course)
    cohorts.ask(learner, cohort)
    going = open_cohort(school, course)
    cohorts.ask(learner, going)
    yesterday = timezone.localdate() - timedelta(days=1)
    Cohort.objects.filter(pk=cohort.pk).update(starts_on=yesterday, ends_on=yesterday)
    settle()
    assert people_of(cohort) == set()
    assert people_of(going) == {learner}
    assert classes.settle() == 0


def test_settling_many_cohorts_that_are_over_takes_two_queries(course, school, django_assert_num_queries):
    yesterday = timezone.localdate() - timedelta(days=1)
    for _n in range(4):
        open_cohort(school, course, starts_on=yesterday, ends_on=yesterday)
    with django_assert_num_queries(2):
        classes.settle()


def test_a_class_of_its_own_keeps_its_door(db):
    taught = TaughtClass.objects.create(name="Own")
    assert class_with(taught.code) == taught
