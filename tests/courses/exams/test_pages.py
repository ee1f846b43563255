"""Exams as candidates meet them: the list, the terms, the paper, saving without a websocket, handing in, the outcome."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from courses.exams import grading, saving, sitting, writer
from courses.models import AnswerEvent, Attempt, Audience, ExamCandidate
from tests.courses.exams.worlds import exam_world
from tests.courses.questions import SAMPLES


class Now:
    """The writer without its thread: what it takes is kept in the test's own transaction."""

    def __init__(self, change):
        (self.saving,) = saving.save([change])

    def result(self, _timeout):
        return self.saving


@pytest.fixture
def world(db, monkeypatch):
    monkeypatch.setattr(writer.writer, "keep", Now)
    return exam_world()


@pytest.fixture
def person(world, client):
    person = world.candidate()
    client.force_login(person)
    return person


def address(name: str, *args) -> str:
    return reverse(f"courses:{name}", args=args)


def test_the_list_shows_what_a_reader_may_sit_and_nothing_else(world, client, person):
    listed = exam_world(audience=Audience.LISTED)
    hidden = exam_world(audience=Audience.LISTED)
    ExamCandidate.objects.create(exam=listed.exam, person=person)
    page = client.get(address("exams")).content.decode()
    assert world.exam.title in page
    assert listed.exam.title in page
    assert hidden.exam.title not in page
    assert client.get(address("exam", hidden.exam.slug)).status_code == 404


@pytest.mark.parametrize("count", [1, 4])
def test_the_list_asks_the_database_as_often_for_many_as_for_one(
    world, client, django_assert_max_num_queries, count
):
    for _number in range(count):
        exam_world(("true_false",))
    with django_assert_max_num_queries(8):
        client.get(address("exams"))


def test_a_search_that_finds_nothing_says_so(world, client):
    page = client.get(address("exams"), {"q": "zzz"}).content.decode()
    assert world.exam.title not in page


def test_an_exam_page_says_why_one_cannot_begin(db, client):
    world = exam_world(opens_at=timezone.now() + timedelta(hours=1))
    client.force_login(world.candidate())
    page = client.get(address("exam", world.exam.slug)).content.decode()
    assert address("begin_exam", world.exam.slug) not in page
    assert "notice" in page


def test_the_honour_statement_has_to_be_agreed_to(db, client):
    world = exam_world(honour_zh="我独立作答。", honour_en="My own work.")
    client.force_login(world.candidate())
    client.post(address("begin_exam", world.exam.slug))
    assert not Attempt.objects.exists()
    client.post(address("begin_exam", world.exam.slug), {"honour": "yes"})
    assert Attempt.objects.exists()


def begun(client, world, person) -> Attempt:
    client.post(address("begin_exam", world.exam.slug))
    return Attempt.objects.get(person=person)


def test_the_paper_tells_no_key(world, client, person):
    attempt = begun(client, world, person)
    page = client.get(address("sitting", attempt.pk)).content.decode()
    assert page.count("data-slot=") == len(world.versions)
    assert "accepted" not in page
    assert "chmod u=rw,go=r" not in page
    assert '"key"' not in page


def test_nobody_opens_anothers_paper(world, client, person):
    attempt = begun(client, world, person)
    client.force_login(world.candidate())
    for name in ("sitting", "hand_in", "outcome"):
        assert client.get(address(name, attempt.pk)).status_code == 404
    assert client.post(address("answers", attempt.pk)).status_code == 404
    client.logout()
    assert client.get(address("sitting", attempt.pk)).status_code == 302


def test_a_browser_without_scripts_saves_by_its_form(world, client, person):
    attempt = begun(client, world, person)
    page = client.get(address("sitting", attempt.pk))
    fields = {"token": page.context["token"], "q1": "b", "q2": ["a", "b"], "q3": "false", "q4": "chmod 644"}
    client.post(address("answers", attempt.pk), fields)
    assert grading.answers_of(attempt) == {
        1: {"choice": "b"},
        2: {"choices": ["a", "b"]},
        3: {"value": False},
        4: {"text": "chmod 644"},
    }
    again = client.get(address("sitting", attempt.pk))
    client.post(address("answers", attempt.pk), {**fields, "token": again.context["token"], "q1": "a"})
    assert AnswerEvent.objects.count() == 5


def test_a_page_without_a_websocket_posts_its_changes_and_hears_what_became_of_them(world, client, person):
    attempt = begun(client, world, person)
    token = client.get(address("sitting", attempt.pk)).context["token"]
    changes = [
        {"slot": 1, "sequence": 1, "answer": SAMPLES["single"].right},
        {"slot": 2, "sequence": 1, "answer": {"choices": ["zz"]}},
        "nonsense",
    ]
    body = json.dumps({"token": token, "changes": changes})
    told = client.post(address("answers", attempt.pk), body, content_type="application/json").json()
    assert [one["outcome"] for one in told["kept"]] == ["saved", "refused", "refused"]
    assert told["standing"]["heads"] == {"1": 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[]", 400),
        ('{"token": "x"}', 400),
        ('{"token": "x", "changes": []}', 409),
        ("x" * 1_300_000, 413),
    ],
)
def test_what_is_no_batch_of_changes_is_refused(world, client, person, body: str, status: int):
    attempt = begun(client, world, person)
    answer = client.post(address("answers", attempt.pk), body, content_type="application/json")
    assert answer.status_code == status


def test_handing_in_shows_what_is_unanswered_and_asks(world, client, person):
    attempt = begun(client, world, person)
    saving.save([world.change(attempt, 2)])
    page = client.get(address("hand_in", attempt.pk))
    assert page.context["unanswered"] == [1, 3, 4]
    attempt.refresh_from_db()
    assert attempt.is_open
    client.post(address("hand_in", attempt.pk))
    attempt.refresh_from_db()
    assert not attempt.is_open
    assert client.get(address("sitting", attempt.pk)).status_code == 302


@pytest.mark.parametrize(
    ("release", "told"), [("at_once", True), ("by_hand", False), ("after_window", False)]
)
def test_a_result_is_told_when_its_policy_says_so(db, client, monkeypatch, release: str, told: bool):
    monkeypatch.setattr(writer.writer, "keep", Now)
    world = exam_world(release=release)
    person = world.candidate()
    client.force_login(person)
    attempt = begun(client, world, person)
    world.answer_all(attempt)
    sitting.hand_in(attempt)
    grading.grade(attempt.pk)
    page = client.get(address("outcome", attempt.pk))
    assert page.context["told"] is told
    assert ("100.0" in page.content.decode()) is told
    attempt.refresh_from_db()
    assert attempt.last_link in page.content.decode()
