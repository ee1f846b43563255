"""Who belongs to which organisation, and which of them pays."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone
from django.utils.translation import override

from community.api import Membership, Organisation, User, organisation_of, organisations_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return User.objects.create(username="mei")


def organisation(slug: str) -> Organisation:
    return Organisation.objects.create(slug=slug, name_zh=f"{slug}学院", name_en=f"{slug} college")


def test_the_organisation_joined_first_pays(person):
    first, second = organisation("first"), organisation("second")
    now = timezone.now()
    Membership.objects.create(organisation=second, person=person, joined_at=now)
    Membership.objects.create(organisation=first, person=person, joined_at=now - timedelta(days=3))
    assert organisation_of(person) == first.pk


def test_nobody_pays_for_a_person_who_has_left(person):
    Membership.objects.create(organisation=organisation("old"), person=person, left_at=timezone.now())
    assert organisation_of(person) is None
    assert organisations_of([person.pk]) == {}


def test_a_person_belongs_to_an_organisation_once(person):
    place = organisation("once")
    Membership.objects.create(organisation=place, person=person)
    with pytest.raises(IntegrityError, match="membership"):
        Membership.objects.create(organisation=place, person=person)


def test_those_responsible_now_answer_for_it(person):
    place = organisation("school")
    for name, role in (("head", "responsible"), ("pupil", "member")):
        Membership.objects.create(
            organisation=place, person=User.objects.create(username=name), role=Membership.Role(role)
        )
    Membership.objects.create(
        organisation=place, person=person, role=Membership.Role.RESPONSIBLE, left_at=timezone.now()
    )
    assert [one.username for one in place.responsible] == ["head"]


def test_its_name_is_said_in_the_language_in_use():
    place = organisation("yun")
    with override("en"):
        assert str(place) == "yun college"
    with override("zh-hans"):
        assert str(place) == "yun学院"
