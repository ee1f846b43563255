"""The pages of cohorts: who finds which, what joins and leaves, what instructors see and decide."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from community.api import Organisation, Role, assign
from courses import cohorts, enrolling
from courses.models import Cohort, CohortPlace, PlaceState, Readers, WayIn
from courses.views import cohorts as lists
from courses.views import running
from tests.courses.cohort_worlds import member_of, open_cohort, teacher_of
from tests.courses.worlds import CHINESE, course_in
from tests.labs.factories import LearnerFactory


def door(name, *args):
    return reverse(f"courses:{name}", args=args)


def shown(client, *args, **query):
    """The names of the cohorts in a list."""
    address = door("organisation_cohorts", *args) if args else door("cohorts")
    return [row.cohort.name for row in client.get(address, query).context["rows"]]


def state_of(person, cohort):
    return CohortPlace.objects.of(person).get(cohort=cohort).state


# --- a journey ---


def test_a_learner_asks_is_let_in_learns_and_is_seen_by_the_instructor(client, course, school, learner):
    responsible, teacher = member_of(school, responsible=True), LearnerFactory(username="teacher")
    client.force_login(responsible)
    today = timezone.localdate()
    wish = {
        "course": str(course.key),
        "name": "秋季班",
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=60)).isoformat(),
        "seats": "30",
        "way_in": "approval",
        "instructor": "teacher",
    }
    opened = client.post(door("open_cohort", school.slug), wish)
    cohort = Cohort.objects.get()
    assert opened["Location"] == door("cohort", cohort.pk)

    client.force_login(learner)
    page = client.get(course.courses[CHINESE].url).content.decode()
    assert door("cohort", cohort.pk) in page
    client.post(door("join_cohort", cohort.pk))
    assert state_of(learner, cohort) == PlaceState.ASKED

    client.force_login(teacher)
    assert client.get(reverse("dashboard")).status_code == 200
    asking = client.get(door("cohort", cohort.pk), {"state": "asked"})
    (row,) = asking.context["rows"]
    client.post(door("admit", cohort.pk, row.place.pk))

    client.force_login(learner)
    client.post(door("mark_done", course.reading))
    client.force_login(teacher)
    (row,) = client.get(door("cohort", cohort.pk)).context["rows"]
    assert (row.place.person, row.progress.count, row.progress.total) == (learner, 1, 2)


# --- lists ---


def test_everybody_sees_open_cohorts_and_those_one_may_ask_for(client, course, school):
    for way_in in WayIn:
        open_cohort(school, course, name=way_in.value, way_in=way_in)
    assert sorted(shown(client)) == ["approval", "open"]
    assert sorted(shown(client, school.slug)) == ["approval", "open"]


def test_people_of_the_organisation_see_its_own_besides(client, course, school):
    for way_in in WayIn:
        open_cohort(school, course, name=way_in.value, way_in=way_in)
    client.force_login(member_of(school))
    assert sorted(shown(client)) == ["approval", "open", "organisation"]


@pytest.mark.parametrize("who", ["teacher", "responsible", "operator", "member"])
def test_those_in_it_and_those_who_see_to_it_find_a_cohort_that_only_its_link_opens(
    client, course, school, learner, who
):
    cohort = open_cohort(school, course, name="link", way_in=WayIn.LINK)
    person = learner
    if who == "teacher":
        person = teacher_of(cohort)
    elif who == "responsible":
        person = member_of(school, responsible=True)
    elif who == "operator":
        assign(person, Role.OPERATOR)
    else:
        cohorts.ask(person, cohort, cohort.link_token)
    client.force_login(person)
    assert shown(client) == ["link"]
    assert client.get(door("cohort", cohort.pk)).status_code == 200


def test_the_list_of_one_organisation_holds_no_others(client, course, school):
    other = Organisation.objects.create(slug="works", name_zh="工厂", name_en="Works")
    open_cohort(school, course, name="ours")
    open_cohort(other, course, name="theirs")
    assert shown(client, school.slug) == ["ours"]
    assert shown(client, q="工厂") == ["theirs"]
    assert client.get(door("organisation_cohorts", "nobody")).status_code == 404


def test_what_is_over_is_listed_apart(client, course, school):
    today = timezone.localdate()
    open_cohort(
        school, course, name="over", starts_on=today - timedelta(days=9), ends_on=today - timedelta(days=1)
    )
    open_cohort(school, course, name="going", ends_on=today)
    assert shown(client) == ["going"]
    assert shown(client, past="1") == ["over"]


def test_who_answers_for_an_organisation_finds_the_way_to_open_its_first_cohort(client, school):
    client.force_login(member_of(school, responsible=True))
    assert door("cohorts") in client.get(reverse("dashboard")).content.decode()
    assert door("organisation_cohorts", school.slug) in client.get(door("cohorts")).content.decode()
    client.force_login(member_of(school))
    assert door("organisation_cohorts", school.slug) not in client.get(door("cohorts")).content.decode()


def test_long_lists_are_paged(client, course, school, monkeypatch):
    monkeypatch.setattr(lists, "COHORTS_PER_PAGE", 2)
    for number in range(3):
        open_cohort(school, course, name=f"{number}")
    assert len(shown(client)) == 2
    assert len(shown(client, page="2")) == 1


def test_an_empty_list_says_what_to_do(client, school):
    assert "/courses/" in client.get(f"/en/organisations/{school.slug}/cohorts/").content.decode()
    client.force_login(member_of(school, responsible=True))
    text = client.get(f"/en/organisations/{school.slug}/cohorts/").content.decode()
    assert f"/en/organisations/{school.slug}/cohorts/new/" in text


def test_the_cohorts_of_a_private_course_are_announced_to_the_organisation_only(
    client, catalogues, school, learner
):
    secret = course_in(catalogues, slug="secret", readers=Readers.COHORTS)
    secret.lesson("One")
    cohort = open_cohort(school, secret, name="hidden")
    client.force_login(learner)
    assert shown(client) == []
    assert client.get(door("cohort", cohort.pk)).status_code == 404
    assert client.post(door("join_cohort", cohort.pk)).status_code == 404
    client.force_login(member_of(school))
    assert shown(client) == ["hidden"]
    page = client.get(door("cohort", cohort.pk))
    assert secret.courses[CHINESE].url not in page.content.decode()
    client.post(door("join_cohort", cohort.pk))
    assert secret.courses[CHINESE].url in client.get(door("cohort", cohort.pk)).content.decode()


# --- joining and leaving ---


def test_joining_takes_a_post(client, course, school, learner):
    cohort = open_cohort(school, course)
    client.force_login(learner)
    assert client.get(door("join_cohort", cohort.pk))["Location"] == door("cohort", cohort.pk)
    assert not CohortPlace.objects.exists()
    assert client.post(door("join_cohort", cohort.pk))["Location"] == door("cohort", cohort.pk)
    assert state_of(learner, cohort) == PlaceState.ENROLLED


def test_somebody_not_signed_in_may_look_and_is_asked_to_sign_in_to_join(client, course, school):
    cohort = open_cohort(school, course)
    page = client.get(door("cohort", cohort.pk))
    assert f"/accounts/login/?next={door('cohort', cohort.pk)}" in page.content.decode()
    assert "/accounts/login/" in client.post(door("join_cohort", cohort.pk))["Location"]


def test_the_link_asks_to_sign_in_then_joins_by_a_button(client, course, school, learner):
    cohort = open_cohort(school, course, way_in=WayIn.LINK)
    address = door("cohort_link", cohort.link_token)
    assert "/accounts/login/" in client.get(address)["Location"]
    client.force_login(learner)
    assert client.get(address).status_code == 200
    assert not CohortPlace.objects.exists()
    client.post(address)
    assert state_of(learner, cohort) == PlaceState.ENROLLED


def test_a_link_that_holds_no_more_says_so(client, course, school, learner):
    cohort = open_cohort(school, course, way_in=WayIn.LINK)
    old = cohort.link_token
    client.force_login(teacher_of(cohort))
    client.post(door("rotate_link", cohort.pk))
    client.force_login(learner)
    answer = client.get(f"/en/cohorts/link/{old}/")
    assert answer.status_code == 404
    assert "This link leads nowhere" in answer.content.decode()
    assert client.post(door("cohort_link", old)).status_code == 404


def test_a_full_cohort_says_that_one_waits(client, course, school, learner):
    cohort = open_cohort(school, course, seats=1)
    cohorts.ask(LearnerFactory(), cohort)
    client.force_login(learner)
    assert "Wait for a seat" in client.get(f"/en/cohorts/{cohort.pk}/").content.decode()
    page = client.post(f"/en/cohorts/{cohort.pk}/join/", follow=True).content.decode()
    assert "You wait for a seat" in page


def test_leaving_asks_first(client, course, school, learner):
    cohort = open_cohort(school, course)
    cohorts.ask(learner, cohort)
    client.force_login(learner)
    assert client.get(door("leave_cohort", cohort.pk)).status_code == 200
    assert state_of(learner, cohort) == PlaceState.ENROLLED
    client.post(door("leave_cohort", cohort.pk))
    assert state_of(learner, cohort) == PlaceState.LEFT
    assert client.get(door("leave_cohort", cohort.pk)).status_code == 404


def test_a_refused_person_reads_why_and_what_to_do(client, course, school, learner):
    cohort = open_cohort(school, course)
    cohorts.refuse(cohorts.ask(learner, cohort), teacher_of(cohort))
    client.force_login(learner)
    assert "they can let you in again" in client.get(f"/en/cohorts/{cohort.pk}/").content.decode()
    page = client.post(f"/en/cohorts/{cohort.pk}/join/", follow=True).content.decode()
    assert "Its instructors decided" in page
    assert state_of(learner, cohort) == PlaceState.REFUSED


def test_the_course_page_shows_its_cohorts_that_are_not_over(client, course, school):
    today = timezone.localdate()
    going = open_cohort(school, course)
    over = open_cohort(school, course, starts_on=today - timedelta(days=9), ends_on=today - timedelta(days=1))
    text = client.get(course.courses[CHINESE].url).content.decode()
    assert door("cohort", going.pk) in text
    assert door("cohort", over.pk) not in text


def test_the_dashboard_shows_my_cohorts_and_nothing_without_any(client, course, school, learner):
    cohort = open_cohort(school, course, name="My own cohort")
    client.force_login(learner)
    assert "My own cohort" not in client.get(reverse("dashboard")).content.decode()
    cohorts.ask(learner, cohort)
    for person in (learner, teacher_of(cohort)):
        client.force_login(person)
        assert "My own cohort" in client.get(reverse("dashboard")).content.decode()


# --- running it ---


@pytest.fixture
def asked(course, school):
    """A cohort by approval with three who ask."""
    cohort = open_cohort(school, course, way_in=WayIn.APPROVAL)
    for number in range(3):
        cohorts.ask(LearnerFactory(printed_name=f"林晓{number}"), cohort)
    return cohort


def test_only_those_who_run_it_see_who_is_in_it(client, asked, school):
    inside = asked.places.first().person
    for person in (inside, member_of(school), LearnerFactory()):
        client.force_login(person)
        page = client.get(door("cohort", asked.pk))
        assert page.status_code == 200
        assert "rows" not in page.context
        assert "林晓1" not in page.content.decode()


@pytest.mark.parametrize("verb", ["admit", "refuse"])
def test_only_those_who_run_it_decide(client, asked, school, verb):
    place = asked.places.first()
    for person in (place.person, member_of(school), LearnerFactory()):
        client.force_login(person)
        assert client.post(door(verb, asked.pk, place.pk)).status_code == 404
    place.refresh_from_db()
    assert place.state == PlaceState.ASKED


def test_nobody_decides_on_a_place_of_another_cohort(client, asked, course, school):
    mine = open_cohort(school, course)
    client.force_login(teacher_of(mine))
    place = asked.places.first()
    assert client.post(door("admit", mine.pk, place.pk)).status_code == 404


def test_refusing_and_letting_in_again_by_the_buttons(client, asked):
    place = asked.places.first()
    client.force_login(teacher_of(asked))
    client.post(door("refuse", asked.pk, place.pk))
    place.refresh_from_db()
    assert place.state == PlaceState.REFUSED
    client.post(door("admit", asked.pk, place.pk))
    place.refresh_from_db()
    assert place.state == PlaceState.ENROLLED


def test_removing_asks_first_and_says_how_to_undo_it(client, asked):
    place = asked.places.first()
    teacher = teacher_of(asked)
    cohorts.admit(place, teacher)
    client.force_login(teacher)
    assert client.get(door("refuse", asked.pk, place.pk)).status_code == 200
    place.refresh_from_db()
    assert place.state == PlaceState.ENROLLED
    page = client.post(f"/en/cohorts/{asked.pk}/places/{place.pk}/refuse/", follow=True)
    assert "you can let them in again" in page.content.decode()
    listed = client.get(f"/en/cohorts/{asked.pk}/", {"state": "refused"})
    assert door("admit", asked.pk, place.pk).removeprefix("/zh-hans") in listed.content.decode()


def test_people_are_found_by_name_and_paged(client, asked, monkeypatch):
    monkeypatch.setattr(running, "PLACES_PER_PAGE", 2)
    client.force_login(teacher_of(asked))
    address = door("cohort", asked.pk)
    assert len(client.get(address, {"state": "asked"}).context["rows"]) == 2
    assert len(client.get(address, {"state": "asked", "page": 2}).context["rows"]) == 1
    assert len(client.get(address, {"state": "asked", "q": "晓2"}).context["rows"]) == 1
    assert client.get(address, {"state": "nothing-of-ours"}).status_code == 200


def test_an_instructor_does_not_change_terms_nor_name_instructors(client, asked):
    client.force_login(teacher_of(asked))
    assert client.get(door("change_cohort", asked.pk)).status_code == 403
    assert client.post(door("add_instructor", asked.pk), {"name": "x"}).status_code == 403


def test_terms_are_changed_by_who_answers_for_the_organisation(client, asked, school):
    client.force_login(member_of(school, responsible=True))
    page = client.get(door("change_cohort", asked.pk))
    initial = page.context["form"].initial
    answer = client.post(
        door("change_cohort", asked.pk),
        {**initial, "name": "New name", "seats": "7", "starts_on": asked.starts_on, "ends_on": asked.ends_on},
    )
    assert answer.status_code == 302
    asked.refresh_from_db()
    assert (asked.name, asked.seats, asked.way_in) == ("New name", 7, WayIn.APPROVAL)


def test_what_cannot_be_is_said_at_its_field(client, asked, school):
    client.force_login(member_of(school, responsible=True))
    for place in asked.places.all():
        cohorts.admit(place, teacher_of(asked))
    wish = {"name": "x", "way_in": "open", "seats": "2", "starts_on": "2026-09-01", "ends_on": "2026-08-01"}
    page = client.post(door("change_cohort", asked.pk), wish)
    assert (page.status_code, set(page.context["form"].errors)) == (422, {"ends_on"})
    page = client.post(door("change_cohort", asked.pk), {**wish, "ends_on": "2099-08-01"})
    assert set(page.context["form"].errors) == {"seats"}


def test_instructors_are_added_and_taken_off(client, asked, school):
    client.force_login(member_of(school, responsible=True))
    LearnerFactory(username="second")
    client.post(door("add_instructor", asked.pk), {"name": "second"})
    assert asked.instructors.count() == 2
    client.post(door("remove_instructor", asked.pk, asked.instructors.first().pk))
    assert [tie.person.username for tie in asked.instructors.all()] == ["second"]
    page = client.post(f"/en/cohorts/{asked.pk}/instructors/", {"name": "nobody-here"}, follow=True)
    assert "Nobody here is called: nobody-here" in page.content.decode()


def test_only_who_answers_for_it_opens_an_organisations_cohorts(client, course, school):
    other = Organisation.objects.create(slug="works", name_zh="工厂", name_en="Works")
    for person in (member_of(school), member_of(other, responsible=True)):
        client.force_login(person)
        assert client.get(door("open_cohort", school.slug)).status_code == 403
    client.force_login(member_of(school, responsible=True))
    assert client.get(door("open_cohort", school.slug)).status_code == 200


def test_no_cohort_is_opened_of_a_private_course_one_may_not_read(client, catalogues, course, school):
    secret = course_in(catalogues, slug="secret", readers=Readers.COHORTS)
    client.force_login(member_of(school, responsible=True))
    choices = dict(client.get(door("open_cohort", school.slug)).context["form"].fields["course"].choices)
    assert str(course.key) in choices
    assert str(secret.key) not in choices


# --- what it costs ---


def test_the_lists_cost_the_same_for_many(client, course, school, learner, django_assert_max_num_queries):
    client.force_login(learner)
    cohorts.ask(learner, open_cohort(school, course))
    client.get(door("cohorts"))
    with django_assert_max_num_queries(20) as counted:
        client.get(door("cohorts"))
    for _n in range(8):
        cohorts.ask(learner, open_cohort(school, course))
    with django_assert_max_num_queries(len(counted)):
        assert len(client.get(door("cohorts")).context["rows"]) == 9


def test_the_people_cost_the_same_for_many(client, course, school, django_assert_max_num_queries):
    cohort = open_cohort(school, course)
    cohorts.ask(LearnerFactory(), cohort)
    client.force_login(teacher_of(cohort))
    client.get(door("cohort", cohort.pk))
    with django_assert_max_num_queries(35) as counted:
        client.get(door("cohort", cohort.pk))
    for _n in range(8):
        cohorts.ask(LearnerFactory(), cohort)
    with django_assert_max_num_queries(len(counted)):
        assert len(client.get(door("cohort", cohort.pk)).context["rows"]) == 9


def test_the_instructor_sees_that_a_learner_has_not_finished(client, course, school, learner):
    cohort = open_cohort(school, course)
    cohorts.ask(learner, cohort)
    enrolling.mark_done(learner, course.reading)
    client.force_login(teacher_of(cohort))
    (row,) = client.get(door("cohort", cohort.pk)).context["rows"]
    assert (row.progress.count, row.enrolment.completed_at) == (1, None)
