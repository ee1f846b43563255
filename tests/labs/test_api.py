"""What the apps above may ask of labs, and what labs show in the frame of the site."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone
from django.utils.translation import override

from community.api import ClauseReference, Role, ensure_roles
from labs import api, wagtail_hooks
from labs.models import Host, LabSession
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory

pytestmark = pytest.mark.django_db

CLAUSE = "yl-t-001:2026:service-health"


def passed(learner, lab, days_ago=0):
    at = timezone.now() - timedelta(days=days_ago)
    return LabSession.objects.create(
        learner=learner,
        lab=lab,
        opened_at=at,
        expires_at=at,
        closed_at=at,
        passed_at=at,
        points=2,
        points_of=2,
        clauses=[CLAUSE],
    )


def test_only_passed_labs_count_and_only_to_who_passed_them(learner):
    lab, other = LabFactory(), LabFactory()
    passed(learner, lab)
    SessionFactory(learner=learner, lab=other)
    stranger = LearnerFactory()
    assert api.passed_labs(learner) == {lab.pk}
    assert api.passed_labs_of([learner.pk, stranger.pk]) == {learner.pk: {lab.pk}, stranger.pk: set()}


def test_the_evidence_is_the_first_pass(learner, lab):
    first = passed(learner, lab, days_ago=3)
    passed(learner, lab)
    assert api.lab_evidence(learner, lab.pk) == api.LabEvidence(
        passed_at=first.passed_at,
        points=2,
        of=2,
        session_id=str(first.pk),
        clauses=(CLAUSE,),
        title_zh="进程",
        title_en="Processes",
    )
    assert api.lab_evidence(LearnerFactory(), lab.pk) is None


def test_a_card_speaks_the_language_in_use_and_knows_the_learner(learner, lab):
    at = passed(learner, lab).passed_at
    with override("en"):
        card = api.lab_card(lab.pk, learner)
    assert (card.title, card.passed_at, card.nodes) == ("Processes", at, ("box",))
    assert card.url == f"/en/labs/{lab.slug}/"
    with override("zh-hans"):
        assert api.lab_card(lab.pk).title == "进程"


def test_a_withdrawn_lab_has_no_card_and_keeps_its_evidence(learner):
    lab = LabFactory(withdrawn_at=timezone.now())
    passed(learner, lab)
    assert api.lab_card(lab.pk, learner) is None
    assert api.passed_labs(learner) == {lab.pk}


def test_many_cards_take_two_queries(learner, django_assert_num_queries):
    pks = [LabFactory().pk for _n in range(5)]
    with django_assert_num_queries(2):
        assert set(api.lab_cards(pks, learner)) == set(pks)


def test_labs_are_found_by_slug_with_minutes_and_clauses(lab):
    assert api.labs_by_slug([lab.slug, "unknown"]) == {lab.slug: lab}
    assert api.labs_by_slug() == {lab.slug: lab}
    assert api.lab_minutes([lab.pk, -1]) == {lab.pk: 45}
    assert api.lab_clauses(lab.pk) == (CLAUSE,)


def drawn(panel):
    """As the dashboard draws it."""
    return render_to_string(panel.template, {"panel": panel.context})


def ask(person):
    request = RequestFactory().get("/")
    request.user = person
    return request


def test_the_dashboard_leads_back_into_the_running_lab(learner, lab):
    session = SessionFactory(learner=learner, lab=lab)
    panel = wagtail_hooks.my_labs(ask(learner))
    html = drawn(panel)
    assert f"/labs/sessions/{session.pk}/" in html


def test_the_dashboard_shows_what_was_passed_and_else_the_first_step(learner, lab):
    panel = wagtail_hooks.my_labs(ask(learner))
    with override("en"):
        assert "/en/labs/" in drawn(panel)
        passed(learner, lab)
        panel = wagtail_hooks.my_labs(ask(learner))
        assert lab.title in drawn(panel)
    assert wagtail_hooks.my_labs(ask(AnonymousUser())) is None


def test_the_sites_search_finds_labs_in_either_language(lab):
    for language, title in (("en", "Processes"), ("zh-hans", "进程")):
        [hit] = wagtail_hooks.search("进程", language)
        assert (hit.title, hit.url) == (title, f"/{language}/labs/{lab.slug}/")
    LabFactory(title_en="Gone", withdrawn_at=timezone.now())
    assert wagtail_hooks.search("Gone", "en") == []


def test_a_clause_leads_to_the_labs_whose_checks_attest_it(lab):
    LabFactory(steps={"first": {}})
    assert [item.title for item in wagtail_hooks.labs_on(ClauseReference.parse(CLAUSE))] == [lab.title]
    assert wagtail_hooks.labs_on(ClauseReference.parse("yl-t-001:2026:service")) == []


def test_the_status_page_says_what_is_wrong_with_the_labs():
    assert wagtail_hooks.status(ask(AnonymousUser())).problem == ""
    Host.objects.create(pk=1, problem="No engine.", remedy="Start it.", seen_at=timezone.now())
    part = wagtail_hooks.status(ask(AnonymousUser()))
    assert (part.problem, part.remedy) == ("No engine.", "Start it.")


def test_instructors_edit_a_labs_words_in_the_administration(client, lab):
    ensure_roles()
    instructor = LearnerFactory()
    instructor.groups.add(instructor.groups.model.objects.get(name=Role.INSTRUCTOR.value))
    client.force_login(instructor)
    page = client.get(f"/admin/snippets/labs/lab/edit/{lab.pk}/")
    assert page.status_code == 200
    assert "进程" in page.text
    assert client.get("/admin/snippets/labs/lab/add/").status_code == 302
