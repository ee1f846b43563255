"""Graded hints, checks that passed before, and exams: what the learner reads and what it costs."""

import pytest
from django.test import Client
from django.utils.translation import override

from community.models import ApiToken
from labs import bodies, grading, sessions
from labs.drivers.base import RunResult
from labs.models import CheckResult, HintOpening, Mode
from labs.teaching import hints
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory, node, reason

pytestmark = pytest.mark.django_db

SILENT = RunResult(1, "silent\n", 5)
PASSES = RunResult(0, "fine\n", 5)


@pytest.fixture
def session(engine):
    """Two checks of two points; a hint costs one point, or three where the second check says so."""
    lab = LabFactory(hint_cost=1, nodes=[node("a")], steps={"first": {"up": "a"}, "second": {"dear": "a"}})
    lab.steps.get(key="second").checks.update(hint_cost=3)
    session = SessionFactory(lab=lab)
    engine.create(session.sandbox.spec())
    return session


def check_of(session, step="first"):
    return session.lab.steps.get(key=step).checks.select_related("step").get()


def check(session, step="first"):
    grading.check_work(sessions.check_work(session, session.lab.steps.get(key=step)).pk)


def finish(session):
    grading.check_work(sessions.finish_lab(session).pk)
    session.refresh_from_db()


def shown(session, step="first"):
    return next(one["checks"][0] for one in bodies.session_body(session)["steps"] if one["id"] == step)


def offer(session, step="first"):
    with override("en"):
        body = shown(session, step)
    return body["hint"], body["hint_next"], body["hint_cost"]


def test_a_hint_that_costs_points_is_offered_with_its_price_and_not_shown(engine, session):
    engine.answer("check up", SILENT)
    check(session)
    assert offer(session) == ("", 1, 1)


def test_an_opened_hint_is_read_and_the_next_one_offered(engine, session):
    engine.answer("check up", SILENT)
    check(session)
    hints.open_hint(session, check_of(session), 1)
    assert offer(session) == ("first", 2, 1)
    hints.open_hint(session, check_of(session), 2)
    assert offer(session) == ("first\nsecond", 0, 0)


def test_further_failures_open_no_hint_that_costs_points(engine, session):
    engine.answer("check up", SILENT)
    for _time in range(3):
        check(session)
    assert offer(session) == ("", 1, 1)


def test_opening_a_hint_again_costs_nothing_more(engine, session):
    engine.answer("check up", SILENT)
    check(session)
    for _time in range(2):
        hints.open_hint(session, check_of(session), 1)
    assert session.hint_openings.cost() == 1


@pytest.mark.parametrize("number", [0, 2, 9])
def test_only_the_next_hint_can_be_opened(engine, session, number):
    engine.answer("check up", SILENT)
    check(session)
    with pytest.raises(hints.NoSuchHint):
        hints.open_hint(session, check_of(session), number)
    assert not HintOpening.objects.exists()


@pytest.mark.parametrize("found", [None, PASSES, RunResult(1, "", 5), RunResult(124, "", 5)])
def test_there_is_no_hint_to_open_without_a_failure_that_has_one(engine, session, found):
    if found is not None:
        engine.answer("check up", found)
        check(session)
    with pytest.raises(hints.NoSuchHint):
        hints.open_hint(session, check_of(session), 1)


def test_another_reason_has_hints_of_its_own(engine, session):
    one = check_of(session)
    one.reasons = {**one.reasons, "deaf": reason("It hears nothing", "listen")}
    one.save()
    engine.answer("check up", SILENT)
    check(session)
    hints.open_hint(session, one, 1)
    engine.answer("check up", RunResult(1, "deaf\n", 5))
    check(session)
    assert offer(session) == ("", 1, 1)


def test_a_check_may_have_a_price_of_its_own_and_free_hints_come_by_themselves(engine, session):
    engine.answer("check dear", SILENT)
    check(session, "second")
    assert offer(session, "second") == ("", 1, 3)
    session.lab.steps.get(key="second").checks.update(hint_cost=0)
    assert offer(session, "second") == ("first", 0, 0)


def test_opened_hints_are_off_the_points_of_the_session_and_of_its_pass(engine, session):
    engine.answer("check up", SILENT)
    check(session)
    hints.open_hint(session, check_of(session), 1)
    engine.answer("check up", PASSES)
    check(session)
    body = bodies.session_body(session)
    assert (body["points"], body["points_of"], body["hints_cost"]) == (1, 4, 1)
    finish(session)
    assert session.passed_at is not None
    assert (session.points, session.points_of) == (3, 4)


def test_points_never_fall_below_nothing(engine, session):
    engine.answer("check dear", SILENT)
    check(session, "second")
    for number in (1, 2):
        hints.open_hint(session, check_of(session, "second"), number)
    assert bodies.session_body(session)["points"] == 0
    engine.answer("check dear", PASSES)
    finish(session)
    assert session.passed_at is not None
    assert (session.points, session.points_of) == (0, 4)


def test_a_session_that_has_ended_offers_no_hint(engine, session):
    engine.answer("check up", SILENT)
    check(session)
    sessions.abandon(session)
    assert offer(session) == ("", 0, 1)
    with pytest.raises(sessions.SessionClosed):
        hints.open_hint(session, check_of(session), 1)


def test_an_exam_gives_no_hints_free_or_not(engine, session):
    session.mode = Mode.EXAM
    session.save()
    engine.answer("check", SILENT)
    check(session)
    session.lab.steps.get(key="second").checks.update(hint_cost=0)
    check(session, "second")
    assert offer(session) == offer(session, "second") == ("", 0, 0)
    assert "It says nothing" in shown(session)["reason"]
    with pytest.raises(hints.NoSuchHint):
        hints.open_hint(session, check_of(session), 1)


def test_a_check_that_passed_before_says_when(engine, session):
    engine.answer("check up", PASSES)
    check(session)
    assert shown(session)["passed_before_at"] is None
    engine.answer("check up", SILENT)
    check(session)
    check(session)
    assert shown(session)["passed_before_at"] == CheckResult.objects.get(passed=True).checked_at


def test_a_check_that_never_passed_says_nothing_of_before(engine, session):
    engine.answer("check up", SILENT)
    check(session)
    assert shown(session)["passed_before_at"] is None


def test_the_page_shows_price_and_fall(engine, session, client):
    engine.answer("check up", PASSES)
    check(session)
    engine.answer("check up", SILENT)
    check(session)
    client.force_login(session.learner, "django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/en/labs/sessions/{session.pk}/").content.decode()
    assert "Open a hint for 1 point<" in page
    assert 'data-state="fell"' in page
    assert ", fails now" in page


class TestOverHttp:
    def post(self, person, session, number=1, check="up"):
        api = Client(headers={"authorization": f"Bearer {ApiToken.issue(person)}"})
        return api.post(f"/api/v1/lab-sessions/{session.pk}/checks/first/{check}/hints/{number}?lang=en")

    def test_opening_a_hint_answers_with_the_session(self, engine, session):
        engine.answer("check up", SILENT)
        check(session)
        answer = self.post(session.learner, session)
        assert answer.status_code == 200
        assert answer.json()["hints_cost"] == 1
        assert answer.json()["steps"][0]["checks"][0]["hint"] == "first"

    def test_a_hint_that_is_not_offered_is_refused_with_its_code(self, session):
        answer = self.post(session.learner, session)
        assert (answer.status_code, answer.json()["code"]) == (409, "no_such_hint")

    def test_nobody_opens_another_persons_hints(self, engine, session):
        engine.answer("check up", SILENT)
        check(session)
        assert self.post(LearnerFactory(), session).status_code == 404
        assert not HintOpening.objects.exists()

    def test_a_check_that_the_lab_does_not_have_is_not_found(self, session):
        assert self.post(session.learner, session, check="nothing").status_code == 404
