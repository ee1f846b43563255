"""A private course exists for its cohorts' people, for who answers for or edits it, and for nobody else."""

import pytest
from django.core.cache import cache
from django.urls import reverse

from community.api import ClauseReference, Organisation, Role, assign, ensure_roles, grant
from courses import cohorts, enrolling, visibility
from courses.models import CoursePage, Enrolment, Readers, WayIn
from courses.outline import outline
from courses.refusals import NotAnnounced
from courses.wagtail_hooks import lessons_on, search
from tests.courses.cohort_worlds import member_of, open_cohort, teacher_of
from tests.courses.worlds import CHINESE, ENGLISH, course_in
from tests.labs.factories import LearnerFactory

CLAUSE = "yl-t-001:2026:scope"


@pytest.fixture
def secret(catalogues, lab):
    """A course for its cohorts only, with a lesson that teaches a clause."""
    world = course_in(catalogues, slug="secret", readers=Readers.COHORTS)
    world.reading = world.lesson("Hidden reading", blocks=[("clause", CLAUSE)])
    world.practice = world.lesson("Hidden practice", labs=(lab,))
    return world


@pytest.fixture
def cohort(secret, school):
    return open_cohort(school, secret, way_in=WayIn.LINK)


@pytest.fixture
def member(cohort):
    person = LearnerFactory()
    cohorts.ask(person, cohort, cohort.link_token)
    return person


def addresses(world):
    pages = [
        world.courses[CHINESE],
        world.modules[CHINESE],
        world.page(world.reading),
        world.courses[ENGLISH],
    ]
    return [page.url for page in pages]


def test_a_stranger_finds_no_page_of_a_private_course(client, secret, learner):
    client.force_login(learner)
    assert [client.get(address).status_code for address in addresses(secret)] == [404] * 4


def test_somebody_not_signed_in_is_sent_to_sign_in(client, secret):
    for address in addresses(secret):
        assert "/accounts/login/" in client.get(address)["Location"]


def test_a_member_reads_it(client, secret, member):
    client.force_login(member)
    course, module, lesson, english = addresses(secret)
    assert [client.get(page).status_code for page in (course, lesson, english)] == [200] * 3
    assert client.get(module)["Location"].startswith(course)


@pytest.mark.parametrize("who", ["teacher", "responsible", "operator", "editor"])
def test_those_who_see_to_it_read_it(client, secret, school, cohort, who):
    if who == "teacher":
        person = teacher_of(cohort)
    elif who == "responsible":
        person = member_of(school, responsible=True)
    else:
        person = LearnerFactory()
        assign(person, Role.OPERATOR if who == "operator" else Role.INSTRUCTOR)
        if who == "editor":
            ensure_roles()
            grant(Role.INSTRUCTOR, secret.catalogues[CHINESE])
    client.force_login(person)
    assert client.get(secret.courses[CHINESE].url).status_code == 200
    assert "secret zh-hans" in client.get("/zh-hans/courses/").content.decode()


@pytest.mark.parametrize(
    "who", ["plain member of the organisation", "asked", "waits", "refused", "other cohort"]
)
def test_those_without_a_place_do_not(client, secret, school, course, cohort, who):
    person = member_of(school)
    asking = open_cohort(school, secret, way_in=WayIn.APPROVAL)
    if who == "asked":
        cohorts.ask(person, asking)
    elif who == "waits":
        full = open_cohort(school, secret, seats=1)
        cohorts.ask(member_of(school), full)
        cohorts.ask(person, full)
    elif who == "refused":
        place = cohorts.admit(cohorts.ask(person, asking), teacher_of(asking))
        cohorts.refuse(place, teacher_of(asking))
    elif who == "other cohort":
        cohorts.ask(person, open_cohort(school, course))
    client.force_login(person)
    assert client.get(secret.courses[CHINESE].url).status_code == 404


def test_the_catalogue_lists_it_for_its_members_only(client, secret, course, member, learner):
    for person, shown in ((member, True), (learner, False)):
        client.force_login(person)
        text = client.get("/zh-hans/courses/").content.decode()
        assert ("secret zh-hans" in text) is shown
        assert "balancing zh-hans" in text
    client.logout()
    assert "secret zh-hans" not in client.get("/zh-hans/courses/").content.decode()
    assert "secret zh-hans" not in client.get("/zh-hans/courses/", {"q": "secret"}).content.decode()


def test_no_search_finds_it(secret, course):
    assert search("secret", CHINESE) == []
    assert search("Hidden", CHINESE) == []
    assert [hit.title for hit in search("balancing", CHINESE)] == ["balancing zh-hans"]


def test_no_clause_leads_to_its_lessons(secret, course):
    cache.clear()
    shown = course.lesson("Shown", blocks=[("clause", CLAUSE)])
    found = lessons_on(ClauseReference.parse(CLAUSE))
    assert [item.title for item in found] == [course.page(shown).title]


def test_one_edition_for_cohorts_only_makes_the_course_private(client, secret, learner):
    CoursePage.objects.filter(pk=secret.courses[ENGLISH].pk).update(readers=Readers.EVERYBODY)
    client.force_login(learner)
    assert client.get(secret.courses[ENGLISH].url).status_code == 404
    assert search("secret", ENGLISH) == []


@pytest.mark.parametrize("name", ["enrol", "withdraw"])
def test_the_buttons_of_a_private_course_do_not_exist_for_strangers(client, secret, learner, name):
    client.force_login(learner)
    assert client.post(reverse(f"courses:{name}", args=[secret.key])).status_code == 404
    assert not Enrolment.objects.exists()


@pytest.mark.parametrize("name", ["mark_done", "take_back"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_its_lessons_buttons_give_no_address_away(client, secret, learner, name, method):
    client.force_login(learner)
    answer = getattr(client, method)(reverse(f"courses:{name}", args=[secret.reading]))
    assert answer.status_code == 404


def test_nobody_enrols_in_it_without_a_place(secret, learner):
    with pytest.raises(enrolling.CourseNotOffered):
        enrolling.enrol(learner, secret.key)


def test_a_removed_member_reads_it_no_more_but_what_they_did_is_kept(client, secret, cohort, member):
    enrolling.mark_done(member, secret.reading)
    place = cohort.places.get(person=member)
    cohorts.refuse(place, teacher_of(cohort))
    assert not Enrolment.objects.current().of(member).exists()
    client.force_login(member)
    assert client.get(secret.courses[CHINESE].url).status_code == 404
    assert "secret" not in client.get(reverse("dashboard")).content.decode()
    cohorts.admit(place, teacher_of(cohort))
    assert client.get(secret.page(secret.reading).url).context["is_done"] is True


def test_whoever_is_still_in_another_of_its_cohorts_stays_in_the_course(secret, school, cohort, member):
    other = open_cohort(school, secret, way_in=WayIn.LINK)
    cohorts.ask(member, other, other.link_token)
    cohorts.leave(member, cohort)
    assert Enrolment.objects.active().of(member).exists()
    assert visibility.may_read(member, outline(secret.key))


def test_leaving_a_private_course_leads_to_the_dashboard(client, secret, member):
    client.force_login(member)
    answer = client.post(reverse("courses:withdraw", args=[secret.key]))
    assert answer["Location"] == reverse("dashboard")


def test_of_its_cohorts_only_the_organisations_people_hear(secret, school, learner):
    Organisation.objects.create(slug="works", name_zh="工厂", name_en="Works")
    heard = open_cohort(school, secret)
    with pytest.raises(NotAnnounced):
        cohorts.ask(learner, heard)
    assert cohorts.ask(member_of(school), heard).state == "enrolled"


def test_a_public_course_costs_no_question_about_its_readers(course, learner, django_assert_num_queries):
    told = outline(course.key)
    with django_assert_num_queries(0):
        assert visibility.may_read(learner, told)
