"""Recordings' pages: who may play what, where the jump list leads, what the file holds."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from community.api import Role
from community.roles import assign, ensure_roles
from labs.models import CheckRequest, CheckResult, LabSession, Place, Recording, TaughtClass
from labs.models.recording import Lack
from labs.recordings.journal import GAP, OUTPUT, Event, Journal
from labs.recordings.playing import marks_of
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def instructor() -> Any:
    ensure_roles()
    person = LearnerFactory()
    assign(person, Role.INSTRUCTOR)
    return person


def teach(instructor: Any, learner: Any, joined_at: datetime) -> None:
    """The learner is in a class of the instructor's since ``joined_at``."""
    taught = TaughtClass.objects.create(name="Evening class")
    taught.places.create(person=instructor, role=Place.TEACHES)
    taught.places.create(person=learner, role=Place.LEARNS, joined_at=joined_at)


@pytest.fixture
def session() -> LabSession:
    return SessionFactory()


@pytest.fixture
def recording(session: LabSession) -> Recording:
    made = recorded(session)
    journal = Journal.open(made.path, {"version": 2, "width": 80, "height": 24, "timestamp": 0})
    journal.append(
        [
            Event(1.0, OUTPUT, "$ 你好\udcff", 9),
            Event(200.0, GAP, "5000", 5009),
            Event(201.0, OUTPUT, "end", 5012),
        ]
    )
    journal.close()
    return made


def recorded(session: LabSession, **changes: Any) -> Recording:
    return Recording.objects.create(
        session=session,
        ref=f"r{Recording.objects.count()}",
        node="box",
        terminal=1,
        epoch="e",
        began_at=timezone.now() - timedelta(minutes=10),
        **changes,
    )


def found(session: LabSession, recording: Recording, at_s: float, passed: bool) -> None:
    request = CheckRequest.objects.create(session=session, step="first", answered_at=timezone.now())
    CheckResult.objects.create(
        session=session,
        request=request,
        step="first",
        check_key="greets",
        node="box",
        passed=passed,
        exit_code=0 if passed else 1,
        duration_ms=3,
        checked_at=recording.began_at + timedelta(seconds=at_s),
    )


def browser_of(person: Any) -> Client:
    browser = Client()
    browser.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return browser


def url(name: str, *args: object) -> str:
    with override("en"):
        return reverse(f"labs:{name}", args=args)


def test_only_the_learner_and_those_who_teach_them_may_play_it(recording: Recording, instructor: Any) -> None:
    stranger, operator, other = LearnerFactory(), LearnerFactory(), LearnerFactory()
    assign(operator, Role.OPERATOR)
    assign(other, Role.INSTRUCTOR)
    teach(instructor, recording.session.learner, recording.session.opened_at)
    teach(other, stranger, recording.session.opened_at)
    for person, status in (
        (recording.session.learner, 200),
        (instructor, 200),
        (other, 404),
        (stranger, 404),
        (operator, 404),
    ):
        browser = browser_of(person)
        assert browser.get(url("recording", recording.pk)).status_code == status
        assert browser.get(url("recording_file", recording.pk)).status_code == status
    assert Client().get(url("recording_file", recording.pk)).status_code == 302


def test_what_was_done_before_joining_a_class_stays_the_learners_own(
    recording: Recording, instructor: Any
) -> None:
    teach(instructor, recording.session.learner, recording.session.opened_at + timedelta(seconds=1))
    assert browser_of(instructor).get(url("recording", recording.pk)).status_code == 404


def test_the_list_shows_each_what_they_may_play(recording: Recording, instructor: Any) -> None:
    other = recorded(SessionFactory())
    recorded(SessionFactory())
    for one in (recording, other):
        teach(instructor, one.session.learner, one.session.opened_at)
    mine = browser_of(recording.session.learner).get(url("recordings"))
    assert list(mine.context["page"]) == [recording]
    assert set(browser_of(instructor).get(url("recordings")).context["page"]) == {recording, other}
    assert "will be here" in browser_of(LearnerFactory()).get(url("recordings")).content.decode()


def test_a_long_list_is_searched_and_paged_with_few_questions(django_assert_max_num_queries: Any) -> None:
    learner = LearnerFactory()
    for number in range(25):
        lab = LabFactory(title_en="Queues" if number == 3 else "Processes")
        recorded(SessionFactory(learner=learner, lab=lab))
    browser = browser_of(learner)
    with django_assert_max_num_queries(14):
        first = browser.get(url("recordings"))
    assert len(first.context["page"]) == 20
    assert len(browser.get(url("recordings"), {"page": "2"}).context["page"]) == 5
    assert [
        r.session.lab.title_en for r in browser.get(url("recordings"), {"q": "queue"}).context["page"]
    ] == ["Queues"]
    assert "No recording matches" in browser.get(url("recordings"), {"q": "nothing"}).content.decode()


def test_marks_stand_where_a_check_changed_its_mind(session: LabSession, recording: Recording) -> None:
    for at_s, passed in ((-5, True), (10, False), (20, False), (30, True), (40, True), (50, False)):
        found(session, recording, at_s, passed)
    assert [(mark.number, mark.at_s, mark.passed) for mark in marks_of(recording)] == [
        (0, 10, False),
        (1, 30, True),
        (2, 50, False),
    ]


def test_the_file_is_asciicast_with_the_marks_in_their_place(
    session: LabSession, recording: Recording
) -> None:
    found(session, recording, 10, True)
    answer = browser_of(session.learner).get(url("recording_file", recording.pk))
    header, *events = [json.loads(line) for line in answer.content.decode().splitlines()]
    assert header["version"] == 2
    assert [event[:2] for event in events] == [[1.0, "o"], [10.0, "m"], [200.0, "o"], [201.0, "o"]]
    assert events[0][2] == "$ 你好\udcff"
    assert "It greets" in events[1][2] or "会问好" in events[1][2]
    assert "5000" in events[2][2]


def test_the_player_may_load_compiled_code_and_nothing_else_more(recording: Recording) -> None:
    answer = browser_of(recording.session.learner).get(url("recording", recording.pk))
    policy = answer["Content-Security-Policy"]
    assert "'wasm-unsafe-eval'" in policy
    assert "'unsafe-eval'" not in policy
    assert "'unsafe-inline'" not in policy
    listed = browser_of(recording.session.learner).get(url("recordings"))
    assert "wasm" not in listed["Content-Security-Policy"]


def test_a_recording_whose_file_is_gone_says_so(recording: Recording) -> None:
    recording.path.unlink()
    browser = browser_of(recording.session.learner)
    assert "no longer kept" in browser.get(url("recording", recording.pk)).content.decode()
    assert browser.get(url("recording_file", recording.pk)).status_code == 404


def test_an_ended_session_leads_to_its_recordings(session: LabSession, recording: Recording) -> None:
    session.close()
    page = browser_of(session.learner).get(url("session", session.pk)).content.decode()
    assert url("recording", recording.pk) in page


def test_a_recording_that_is_not_whole_says_so_and_why(recording: Recording) -> None:
    browser = browser_of(recording.session.learner)
    page = url("recording", recording.pk)
    with override("en"):
        words = str(Lack.RECORDER.label)
    assert words not in browser.get(page).content.decode()
    Recording.objects.update(lack=Lack.RECORDER)
    assert words in browser.get(page).content.decode()
    assert "Not whole" in browser.get(url("recordings")).content.decode()
    recording.path.unlink()
    assert words in browser.get(page).content.decode()
