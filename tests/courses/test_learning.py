"""The buttons of a learner, and the instructor's list."""

from uuid import uuid4

import pytest
from django.urls import reverse

from community.api import Role, assign, grant
from courses import enrolling
from courses.models import Enrolment, LessonCompletion
from courses.views import learners
from tests.courses.worlds import CHINESE, ENGLISH, passed
from tests.labs.factories import LearnerFactory


def door(name, key):
    return reverse(f"courses:{name}", args=[key])


def test_enrolling_takes_a_post_and_leads_back_to_the_course(client, course, learner):
    client.force_login(learner)
    answer = client.post(door("enrol", course.key))
    assert (answer.status_code, answer["Location"]) == (302, course.courses[CHINESE].url)
    assert Enrolment.objects.current().of(learner).exists()


def test_who_was_sent_through_the_sign_in_page_lands_on_the_course_and_not_in_it(client, course, learner):
    client.force_login(learner)
    assert client.get(door("enrol", course.key))["Location"] == course.courses[CHINESE].url
    assert not Enrolment.objects.exists()


@pytest.mark.parametrize("name", ["enrol", "withdraw", "learners"])
def test_strangers_are_asked_to_sign_in(client, course, name):
    assert "/accounts/login/" in client.get(door(name, course.key))["Location"]


@pytest.mark.parametrize("name", ["mark_done", "take_back"])
def test_what_changes_progress_is_never_done_by_a_link(client, course, learner, name):
    enrolling.enrol(learner, course.key)
    if name == "take_back":
        enrolling.mark_done(learner, course.reading)
    client.force_login(learner)
    assert client.get(door(name, course.reading))["Location"] == f"{course.page(course.reading).url}#done"
    assert LessonCompletion.objects.exists() is (name == "take_back")


def test_done_marks_the_lesson_and_leads_to_where_it_says_so(client, course, learner):
    enrolling.enrol(learner, course.key)
    client.force_login(learner)
    answer = client.post(door("mark_done", course.reading))
    assert answer["Location"] == f"{course.page(course.reading).url}#done"
    assert LessonCompletion.objects.filter(learner=learner).exists()


def test_the_last_done_says_that_the_course_is_completed(client, course, learner, lab):
    enrolling.enrol(learner, course.key)
    passed(learner, lab)
    client.force_login(learner)
    page = client.post(f"/en{door('mark_done', course.reading).removeprefix('/zh-hans')}", follow=True)
    assert "you have completed this course" in page.content.decode()


def test_done_without_an_enrolment_explains_and_leads_to_the_course(client, course, learner):
    client.force_login(learner)
    assert client.post(door("mark_done", course.reading))["Location"] == course.courses[CHINESE].url
    assert not LessonCompletion.objects.exists()


def test_a_forged_done_for_a_lesson_with_a_lab_changes_nothing(client, course, learner):
    enrolling.enrol(learner, course.key)
    client.force_login(learner)
    client.post(door("mark_done", course.practice))
    assert not LessonCompletion.objects.exists()


def test_taking_back_undoes_done(client, course, learner):
    enrolling.enrol(learner, course.key)
    enrolling.mark_done(learner, course.reading)
    client.force_login(learner)
    client.post(door("take_back", course.reading))
    assert not LessonCompletion.objects.exists()


@pytest.mark.parametrize("name", ["enrol", "withdraw", "mark_done", "take_back"])
def test_an_unknown_key_is_not_found(client, learner, catalogues, name):
    client.force_login(learner)
    assert client.post(door(name, uuid4())).status_code == 404


def test_leaving_asks_first(client, course, learner):
    enrolling.enrol(learner, course.key)
    client.force_login(learner)
    assert client.get(door("withdraw", course.key)).status_code == 200
    assert Enrolment.objects.current().exists()
    client.post(door("withdraw", course.key))
    assert not Enrolment.objects.current().exists()


def test_a_completed_course_says_there_is_nothing_to_leave(client, course, learner, lab):
    enrolling.enrol(learner, course.key)
    passed(learner, lab)
    enrolling.mark_done(learner, course.reading)
    client.force_login(learner)
    assert client.get(door("withdraw", course.key)).status_code == 302
    client.post(door("withdraw", course.key))
    assert Enrolment.objects.completed().exists()


@pytest.fixture
def instructor(course):
    person = LearnerFactory(username="instructor")
    assign(person, Role.INSTRUCTOR)
    grant(Role.INSTRUCTOR, course.catalogues[CHINESE])
    return person


def test_a_learner_may_not_see_the_other_learners(client, course, learner):
    client.force_login(learner)
    assert client.get(door("learners", course.key)).status_code == 403


def test_an_instructor_of_the_course_sees_each_learners_progress(client, course, learner, instructor, lab):
    enrolling.enrol(learner, course.key)
    passed(learner, lab)
    client.force_login(instructor)
    page = client.get(door("learners", course.key))
    assert [(row.enrolment.learner, row.progress.count) for row in page.context["rows"]] == [(learner, 1)]


def test_an_instructor_without_rights_on_the_course_sees_nothing(client, course):
    person = LearnerFactory()
    assign(person, Role.INSTRUCTOR)
    client.force_login(person)
    assert client.get(door("learners", course.key)).status_code == 403


def test_an_operator_sees_the_learners_of_any_course(client, course):
    person = LearnerFactory()
    assign(person, Role.OPERATOR)
    client.force_login(person)
    assert client.get(door("learners", course.key)).status_code == 200


def test_learners_are_found_by_name_and_paged(client, course, instructor, monkeypatch):
    monkeypatch.setattr(learners, "LEARNERS_PER_PAGE", 2)
    for number in range(3):
        enrolling.enrol(LearnerFactory(printed_name=f"林晓{number}"), course.key)
    client.force_login(instructor)
    assert len(client.get(door("learners", course.key)).context["rows"]) == 2
    assert len(client.get(door("learners", course.key), {"page": 2}).context["rows"]) == 1
    assert len(client.get(door("learners", course.key), {"q": "晓2"}).context["rows"]) == 1


def test_the_list_of_learners_costs_the_same_for_many(
    client, course, instructor, django_assert_max_num_queries
):
    for _ in range(10):
        Enrolment.objects.create(learner=LearnerFactory(), course_key=course.key)
    client.force_login(instructor)
    client.get(door("learners", course.key))
    with django_assert_max_num_queries(32):
        client.get(door("learners", course.key))


def test_only_instructors_find_the_link_to_the_learners(client, course, learner, instructor):
    address = course.courses[ENGLISH].url
    for person, offered in ((learner, False), (instructor, False)):
        client.force_login(person)
        assert (door("learners", course.key) in client.get(address).content.decode()) is offered
    client.force_login(instructor)
    text = client.get(course.courses[CHINESE].url).content.decode()
    assert door("learners", course.key) in text
