"""The whole way below the browser: a lab is passed, its course completes, the credential says so in both languages."""

import pytest
from django.utils import timezone

from certification import documents, shapes
from certification.inspection import inspect_text
from certification.models import Credential
from certification.verification import Outcome
from community.api import DraftPage, StandardsIndexPage, place_page, place_translation
from courses import enrolling
from labs.models import LabSession
from labs.signals import lab_passed
from tests.certification.conftest import make_programme
from tests.courses.worlds import course_in, site_in_two_languages
from tests.labs.factories import LabFactory

CLAUSE = "yl-t-001:2026:service-health"


def draft(title: str, clause: str) -> DraftPage:
    value = {
        "clause": "service-health",
        "level": "1",
        "kind": "normative",
        "title": clause,
        "body": "<p>x</p>",
    }
    return DraftPage(
        title=title,
        slug="yl-t-001",
        standard_key="yl-t-001",
        edition="2026",
        clauses=[{"type": "clause", "id": "c1", "value": value}],
    )


@pytest.fixture
def way(db, learner):
    """A learner who passed the one lab of the one course of a programme that attests a clause."""
    catalogues = site_in_two_languages()
    home = catalogues["zh-hans"].get_parent().specific
    index, _ = place_page(home, StandardsIndexPage(title="标准", slug="standards"))
    place_translation(index, StandardsIndexPage(title="Standards", slug="standards"), "en")
    page, _ = place_page(index, draft("云实验要求", "服务健康"))
    place_translation(page, draft("Cloud lab requirements", "Service health"), "en")
    lab = LabFactory(slug="load-balancing", title_zh="负载均衡", title_en="Load balancing")
    course = course_in(catalogues)
    course.lesson("Practice", labs=(lab,))
    programme = make_programme(course_ids=[str(course.key)], clauses=[CLAUSE, "yl-t-001:2026:unpublished"])
    enrolling.enrol(learner, course.key)
    now = timezone.now()
    session = LabSession.objects.create(
        learner=learner,
        lab=lab,
        opened_at=now,
        expires_at=now,
        closed_at=now,
        passed_at=now,
        points=9,
        points_of=10,
    )
    return programme, session


@pytest.fixture
def earned_by_walking(way, learner, django_capture_on_commit_callbacks):
    _, session = way
    with django_capture_on_commit_callbacks(execute=True):
        lab_passed.send_robust(sender=None, session=session)
    return Credential.objects.of(learner).get()


def test_a_passed_lab_ends_in_a_valid_credential(earned_by_walking):
    assert inspect_text(earned_by_walking.document).verdict.outcome is Outcome.VALID


def test_the_credential_says_which_lab_was_passed_with_how_many_points(earned_by_walking, way):
    document = shapes.read(earned_by_walking.document)
    assert document["evidence"] == [
        {
            "id": f"urn:uuid:{way[1].pk}",
            "type": ["Evidence"],
            "genre": "lab",
            "name": "负载均衡 / Load balancing",
            "narrative": document["evidence"][0]["narrative"],
        }
    ]
    told = document["evidence"][0]["narrative"]
    assert "得分 9，满分 10" in told
    assert "with 9 of 10 points" in told


def test_the_credential_is_aligned_to_the_published_clauses_only(earned_by_walking):
    achievement = shapes.read(earned_by_walking.document)["credentialSubject"]["achievement"]
    assert [
        (one["targetCode"], one["targetFramework"], one["targetName"]) for one in achievement["alignment"]
    ] == [(CLAUSE, "云实验要求", "1 服务健康")]
    assert achievement["alignment"][0]["targetUrl"].startswith("http://testserver/")


def test_the_english_achievement_is_aligned_to_the_english_clause(way):
    aligned = documents.achievement(way[0], "en")["alignment"]
    assert [one["targetName"] for one in aligned] == ["1 Service health"]


@pytest.mark.parametrize(
    ("language", "lab", "clause"),
    [("zh-hans", "负载均衡", "服务健康"), ("en", "Load balancing", "服务健康")],
)
def test_the_verdict_shows_evidence_and_clauses(client, earned_by_walking, language, lab, clause):
    page = client.get(f"/{language}/verify/{earned_by_walking.public_id}/").content.decode()
    assert lab in page
    assert clause in page


@pytest.mark.parametrize(("language", "course"), [("zh-hans", "balancing zh-hans"), ("en", "balancing en")])
def test_the_programme_page_lists_its_courses_and_clauses_in_the_readers_language(
    client, way, language, course
):
    page = client.get(f"/{language}/programmes/{way[0].slug}/").content.decode()
    assert course in page
    assert ("服务健康" if language == "zh-hans" else "Service health") in page
