"""Cohorts: who comes in by which way, who decides, and that seats are never given twice."""

from datetime import timedelta
from itertools import product

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from community.api import Membership, Organisation, Role, assign
from courses import cohorts, enrolling
from courses.models import Cohort, CohortPlace, Enrolment, PlaceEvent, PlaceState, WayIn
from courses.models.cohorts import MOVES
from courses.refusals import (
    CohortOver,
    CourseGone,
    DecidedMeanwhile,
    LastInstructor,
    LearnsInIt,
    NobodyCalledSo,
    NotAnnounced,
    TeachesIt,
    TooFewSeats,
    TurnedDown,
)
from tests.courses.cohort_worlds import member_of, open_cohort, teacher_of, terms_of
from tests.courses.worlds import passed
from tests.labs.factories import LearnerFactory


def state_of(person, cohort):
    return CohortPlace.objects.of(person).get(cohort=cohort).state


def is_in_course(person, course):
    return Enrolment.objects.current().of(person).in_course(course.key).exists()


# --- ways in ---


def test_whoever_joins_an_open_cohort_is_in_it_and_in_its_course(course, school, learner):
    cohort = open_cohort(school, course)
    assert cohorts.ask(learner, cohort).state == PlaceState.ENROLLED
    assert is_in_course(learner, course)


def test_joining_twice_gives_the_same_place(course, school, learner):
    cohort = open_cohort(school, course)
    assert cohorts.ask(learner, cohort) == cohorts.ask(learner, cohort)
    assert PlaceEvent.objects.count() == 1


def test_only_people_of_the_organisation_join_its_own_cohort(course, school, learner):
    cohort = open_cohort(school, course, way_in=WayIn.ORGANISATION)
    with pytest.raises(NotAnnounced):
        cohorts.ask(learner, cohort)
    assert cohorts.ask(member_of(school), cohort).state == PlaceState.ENROLLED


def test_whoever_left_the_organisation_joins_no_more(course, school):
    person = member_of(school)
    Membership.objects.of(person).update(left_at=timezone.now())
    with pytest.raises(NotAnnounced):
        cohorts.ask(person, open_cohort(school, course, way_in=WayIn.ORGANISATION))


def test_whoever_asks_waits_for_an_instructors_word(course, school, learner):
    cohort = open_cohort(school, course, way_in=WayIn.APPROVAL)
    place = cohorts.ask(learner, cohort)
    assert place.state == PlaceState.ASKED
    assert not is_in_course(learner, course)
    cohorts.admit(place, teacher_of(cohort))
    assert state_of(learner, cohort) == PlaceState.ENROLLED
    assert is_in_course(learner, course)


def test_the_link_lets_in_and_nothing_else_does(course, school, learner):
    cohort = open_cohort(school, course, way_in=WayIn.LINK)
    for token in ("", "guessed"):
        with pytest.raises(NotAnnounced):
            cohorts.ask(learner, cohort, token)
    assert cohorts.ask(learner, cohort, cohort.link_token).state == PlaceState.ENROLLED


def test_a_changed_link_leaves_the_old_one_without_effect(course, school, learner):
    cohort = open_cohort(school, course, way_in=WayIn.LINK)
    old = cohort.link_token
    cohorts.rotate_link(cohort)
    assert cohorts.cohort_with(old) is None
    assert cohorts.cohort_with(cohort.link_token) == cohort
    with pytest.raises(NotAnnounced):
        cohorts.ask(learner, cohort, old)


def test_a_link_leads_nowhere_while_the_cohort_has_another_way_in(course, school):
    cohort = open_cohort(school, course)
    assert cohorts.cohort_with(cohort.link_token) is None


def test_nobody_joins_after_the_last_day(course, school, learner):
    today = timezone.localdate()
    cohort = open_cohort(
        school, course, starts_on=today - timedelta(days=9), ends_on=today - timedelta(days=1)
    )
    with pytest.raises(CohortOver):
        cohorts.ask(learner, cohort)


def test_people_join_before_the_first_day_and_on_the_last(course, school):
    today = timezone.localdate()
    for days in (
        {"starts_on": today + timedelta(days=9), "ends_on": today + timedelta(days=10)},
        {"starts_on": today, "ends_on": today},
    ):
        assert cohorts.ask(LearnerFactory(), open_cohort(school, course, **days)).state == PlaceState.ENROLLED


def test_an_instructor_does_not_learn_in_the_own_cohort(course, school):
    cohort = open_cohort(school, course)
    with pytest.raises(TeachesIt):
        cohorts.ask(teacher_of(cohort), cohort)


def test_a_cohort_of_a_course_that_is_not_published_takes_nobody(course, school, learner):
    cohort = open_cohort(school, course)
    for edition in course.courses.values():
        edition.unpublish()
    with pytest.raises(CourseGone):
        cohorts.ask(learner, cohort)
    assert not CohortPlace.objects.exists()


def test_no_cohort_opens_for_a_course_that_is_not_published(course, school):
    for edition in course.courses.values():
        edition.unpublish()
    with pytest.raises(CourseGone):
        open_cohort(school, course)


# --- what instructors decide ---


def test_whoever_is_refused_cannot_ask_again_but_can_be_let_in(course, school, learner):
    cohort = open_cohort(school, course, way_in=WayIn.APPROVAL)
    place = cohorts.ask(learner, cohort)
    cohorts.refuse(place, teacher_of(cohort))
    with pytest.raises(TurnedDown):
        cohorts.ask(learner, cohort)
    assert cohorts.admit(place, teacher_of(cohort)).state == PlaceState.ENROLLED


def test_a_removed_learner_does_not_come_back_by_the_open_door(course, school, learner):
    cohort = open_cohort(school, course)
    cohorts.refuse(cohorts.ask(learner, cohort), teacher_of(cohort))
    with pytest.raises(TurnedDown):
        cohorts.ask(learner, cohort)


def test_removing_can_be_undone(course, school, learner):
    cohort = open_cohort(school, course)
    place = cohorts.refuse(cohorts.ask(learner, cohort), teacher_of(cohort))
    assert cohorts.admit(place, teacher_of(cohort)).state == PlaceState.ENROLLED


def test_whoever_has_left_is_not_let_in_against_their_will(course, school, learner):
    cohort = open_cohort(school, course, way_in=WayIn.APPROVAL)
    place = cohorts.ask(learner, cohort)
    cohorts.leave(learner, cohort)
    with pytest.raises(DecidedMeanwhile):
        cohorts.admit(place, teacher_of(cohort))
    with pytest.raises(DecidedMeanwhile):
        cohorts.refuse(place, teacher_of(cohort))


def test_every_move_is_written_down_with_who_made_it(course, school, learner):
    cohort = open_cohort(school, course, way_in=WayIn.APPROVAL)
    teacher = teacher_of(cohort)
    cohorts.refuse(cohorts.admit(cohorts.ask(learner, cohort), teacher), teacher)
    assert list(PlaceEvent.objects.values_list("state", "actor")) == [
        (PlaceState.ASKED, learner.pk),
        (PlaceState.ENROLLED, teacher.pk),
        (PlaceState.REFUSED, teacher.pk),
    ]


def test_an_instructor_is_added_by_name_or_address_once(course, school):
    cohort = open_cohort(school, course)
    person = LearnerFactory(username="zhou", email="zhou@example.org")
    assert cohorts.add_instructor(cohort, " ZHOU ") == cohorts.add_instructor(cohort, "zhou@example.org")
    assert person.has_perm("courses.run_cohort", cohort)


@pytest.mark.parametrize("name", ["", "nobody-is-called-so"])
def test_an_unknown_name_teaches_nothing(course, school, name):
    with pytest.raises(NobodyCalledSo):
        cohorts.add_instructor(open_cohort(school, course), name)


def test_a_learner_of_the_cohort_does_not_teach_it(course, school, learner):
    cohort = open_cohort(school, course)
    cohorts.ask(learner, cohort)
    with pytest.raises(LearnsInIt):
        cohorts.add_instructor(cohort, learner.username)


def test_the_last_instructor_stays(course, school):
    cohort = open_cohort(school, course)
    with pytest.raises(LastInstructor):
        cohorts.remove_instructor(cohort.instructors.get())
    first = cohort.instructors.get()
    cohorts.add_instructor(cohort, LearnerFactory().username)
    cohorts.remove_instructor(first)
    assert cohort.instructors.count() == 1


# --- seats ---


def test_without_a_free_seat_one_waits_and_is_not_in_the_course(course, school):
    cohort = open_cohort(school, course, seats=1)
    first, second = LearnerFactory(), LearnerFactory()
    cohorts.ask(first, cohort)
    assert cohorts.ask(second, cohort).state == PlaceState.WAITING
    assert not is_in_course(second, course)


def test_a_seat_that_becomes_free_goes_to_who_waits_longest(course, school):
    cohort = open_cohort(school, course, seats=1)
    first, second, third = (LearnerFactory() for _n in range(3))
    for person in (first, second, third):
        cohorts.ask(person, cohort)
    cohorts.leave(first, cohort)
    assert (state_of(second, cohort), state_of(third, cohort)) == (PlaceState.ENROLLED, PlaceState.WAITING)
    assert is_in_course(second, course)


def test_whoever_comes_back_stands_behind_those_who_wait(course, school):
    cohort = open_cohort(school, course, seats=1)
    first, second, third = (LearnerFactory() for _n in range(3))
    for person in (first, second, third):
        cohorts.ask(person, cohort)
    cohorts.leave(second, cohort)
    cohorts.ask(second, cohort)
    cohorts.leave(first, cohort)
    assert (state_of(third, cohort), state_of(second, cohort)) == (PlaceState.ENROLLED, PlaceState.WAITING)


def test_removing_somebody_lets_the_next_one_in(course, school):
    cohort = open_cohort(school, course, seats=1)
    first, second = LearnerFactory(), LearnerFactory()
    place = cohorts.ask(first, cohort)
    cohorts.ask(second, cohort)
    cohorts.refuse(place, teacher_of(cohort))
    assert state_of(second, cohort) == PlaceState.ENROLLED


def test_more_seats_let_as_many_in(course, school):
    cohort = open_cohort(school, course, seats=1)
    people = [LearnerFactory() for _n in range(4)]
    for person in people:
        cohorts.ask(person, cohort)
    cohorts.change_cohort(cohort, terms_of(cohort, seats=3))
    assert cohort.places.enrolled().count() == 3
    cohorts.change_cohort(cohort, terms_of(cohort, seats=None))
    assert cohort.places.enrolled().count() == 4


def test_seats_are_never_fewer_than_are_taken(course, school):
    cohort = open_cohort(school, course, seats=2)
    for _n in range(2):
        cohorts.ask(LearnerFactory(), cohort)
    with pytest.raises(TooFewSeats, match="2"):
        cohorts.change_cohort(cohort, terms_of(cohort, seats=1))
    assert Cohort.objects.get(pk=cohort.pk).seats == 2


def test_approved_without_a_free_seat_one_waits(course, school):
    cohort = open_cohort(school, course, seats=1, way_in=WayIn.APPROVAL)
    places = [cohorts.ask(LearnerFactory(), cohort) for _n in range(2)]
    assert [cohorts.admit(place, teacher_of(cohort)).state for place in places] == [
        PlaceState.ENROLLED,
        PlaceState.WAITING,
    ]


def test_people_who_wait_hinder_nobodys_leaving_while_the_course_is_not_published(course, school):
    cohort = open_cohort(school, course, seats=1)
    first, second = LearnerFactory(), LearnerFactory()
    cohorts.ask(first, cohort)
    cohorts.ask(second, cohort)
    for edition in course.courses.values():
        edition.unpublish()
    assert cohorts.leave(first, cohort)
    assert state_of(second, cohort) == PlaceState.WAITING


def test_a_seat_that_becomes_free_after_the_last_day_stays_free(course, school):
    cohort = open_cohort(school, course, seats=1)
    first, second = LearnerFactory(), LearnerFactory()
    cohorts.ask(first, cohort)
    cohorts.ask(second, cohort)
    yesterday = timezone.localdate() - timedelta(days=1)
    Cohort.objects.update(starts_on=yesterday, ends_on=yesterday)
    cohorts.leave(first, cohort)
    assert state_of(second, cohort) == PlaceState.WAITING


# --- leaving ---


def test_leaving_a_cohort_one_is_not_in_changes_nothing(course, school, learner):
    assert cohorts.leave(learner, open_cohort(school, course)) is False


def test_leaving_the_course_leaves_its_cohorts(course, school, learner):
    cohort = open_cohort(school, course)
    cohorts.ask(learner, cohort)
    cohorts.leave_course(learner, course.key)
    assert state_of(learner, cohort) == PlaceState.LEFT
    assert not is_in_course(learner, course)


def test_a_completed_course_and_its_cohort_are_not_left(course, school, learner, lab):
    cohort = open_cohort(school, course)
    cohorts.ask(learner, cohort)
    passed(learner, lab)
    enrolling.mark_done(learner, course.reading)
    with pytest.raises(enrolling.AlreadyCompleted):
        cohorts.leave_course(learner, course.key)
    assert state_of(learner, cohort) == PlaceState.ENROLLED


def test_leaving_the_cohort_of_a_public_course_keeps_the_course(course, school, learner):
    cohort = open_cohort(school, course)
    cohorts.ask(learner, cohort)
    cohorts.leave(learner, cohort)
    assert is_in_course(learner, course)


# --- the table and the database ---


@pytest.mark.parametrize(("here", "there"), list(product(PlaceState, PlaceState)))
def test_a_place_moves_only_along_the_table(course, school, learner, here, there):
    place = CohortPlace.objects.create(
        cohort=open_cohort(school, course), person=learner, state=here, enrolled_at=timezone.now()
    )
    assert place.move(there) is (there in MOVES[here])
    assert place.state == (there if there in MOVES[here] else here)


def test_of_two_who_decide_on_the_same_place_one_is_told_so(course, school, learner):
    place = CohortPlace.objects.create(
        cohort=open_cohort(school, course), person=learner, state=PlaceState.ASKED
    )
    late = CohortPlace.objects.get(pk=place.pk)
    assert place.move(PlaceState.REFUSED)
    assert late.move(PlaceState.LEFT) is False
    assert late.state == PlaceState.REFUSED


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seats": 0}, "a_cohort_has_a_seat_at_least"),
        ({"ends_on": timezone.localdate() - timedelta(days=900)}, "a_cohort_ends_no_sooner_than_it_starts"),
        ({"way_in": "window"}, "a_cohort_has_a_known_way_in"),
    ],
)
def test_the_database_refuses_what_no_cohort_may_be(course, school, changes, sentence):
    cohort = open_cohort(school, course)
    with pytest.raises(IntegrityError, match=sentence), transaction.atomic():
        Cohort.objects.filter(pk=cohort.pk).update(**changes)


def test_an_organisation_with_cohorts_is_not_deleted_by_mistake(course, school):
    open_cohort(school, course)
    with pytest.raises(Exception, match="protected"):
        Organisation.objects.get(pk=school.pk).delete()


# --- permissions ---


def test_who_answers_for_the_organisation_opens_and_runs_its_cohorts(course, school):
    cohort, person = open_cohort(school, course), member_of(school, responsible=True)
    for verb, thing in (("open_cohorts", school), ("change_cohort", cohort), ("run_cohort", cohort)):
        assert person.has_perm(f"courses.{verb}", thing)


def test_an_instructor_runs_the_cohort_but_does_not_change_its_terms(course, school):
    cohort = open_cohort(school, course)
    teacher = teacher_of(cohort)
    assert teacher.has_perm("courses.run_cohort", cohort)
    assert not teacher.has_perm("courses.change_cohort", cohort)
    assert not teacher.has_perm("courses.open_cohorts", school)


def test_members_strangers_and_those_of_other_organisations_run_nothing(course, school, learner):
    cohort = open_cohort(school, course)
    cohorts.ask(learner, cohort)
    other = Organisation.objects.create(slug="works", name_zh="工厂", name_en="Works")
    for person in (learner, member_of(school), member_of(other, responsible=True), LearnerFactory()):
        for verb, thing in (("open_cohorts", school), ("change_cohort", cohort), ("run_cohort", cohort)):
            assert not person.has_perm(f"courses.{verb}", thing)


def test_an_operator_runs_every_cohort(course, school):
    person = LearnerFactory()
    assign(person, Role.OPERATOR)
    assert person.has_perm("courses.change_cohort", open_cohort(school, course))
