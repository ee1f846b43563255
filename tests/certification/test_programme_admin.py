"""Operators write programmes in the admin: courses by title, clauses one a line."""

import pytest
from django.urls import reverse

from certification.models import Programme
from certification.permissions import is_operator
from community.api import ensure_roles
from community.models import Role
from tests.certification.conftest import make_programme, person
from tests.courses.worlds import course_in, site_in_two_languages


@pytest.fixture
def course(db):
    return course_in(site_in_two_languages())


@pytest.fixture
def author(client, course):
    ensure_roles()
    operator = person("author", role=Role.OPERATOR)
    client.force_login(operator)
    return operator


def filled(course, **changes):
    told = {
        "slug": "cloud",
        "title_zh": "云计算",
        "title_en": "Cloud",
        "description_zh": "说明",
        "description_en": "About",
        "criteria_zh": "完成",
        "criteria_en": "Complete",
        "course_ids": [str(course.key)],
        "clauses": "yl-t-001:2026:scope\n\n  yl-t-001:2026:terms \nyl-t-001:2026:scope",
        "validity_months": "12",
        "active": "on",
    }
    return told | changes


def test_an_operator_writes_a_programme(client, author, course):
    url = reverse("wagtailsnippets_certification_programme:add")
    assert "balancing" in client.get(url).content.decode()
    client.post(url, filled(course))
    programme = Programme.objects.get(slug="cloud")
    assert programme.course_ids == [str(course.key)]
    assert programme.clauses == ["yl-t-001:2026:scope", "yl-t-001:2026:terms"]
    shown = client.get(reverse("wagtailsnippets_certification_programme:edit", args=[programme.pk]))
    assert "yl-t-001:2026:scope\nyl-t-001:2026:terms" in shown.content.decode()


@pytest.mark.parametrize(
    "changes", [{"clauses": "scope"}, {"course_ids": []}, {"course_ids": ["x"]}, {"validity_months": "0"}]
)
def test_what_is_no_programme_is_refused(client, author, course, changes):
    response = client.post(reverse("wagtailsnippets_certification_programme:add"), filled(course, **changes))
    assert response.status_code == 200
    assert not Programme.objects.exists()


def test_an_operator_cannot_delete_a_programme_that_credentials_may_name(client, author):
    programme = make_programme()
    client.post(reverse("wagtailsnippets_certification_programme:delete", args=[programme.pk]))
    assert Programme.objects.filter(pk=programme.pk).exists()


def test_only_operators_hold_the_role_of_operators(author):
    assert is_operator(author)
    assert not is_operator(person("editor", role=Role.EDITOR))
