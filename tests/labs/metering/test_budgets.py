"""Budgets: said once on the way, a refusal and an end with notice when used up."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils.translation import override

from labs import bodies, sessions, tasks
from labs.lifecycle import Reason, State
from labs.metering import budgets
from labs.models import Budget, BudgetWarning, LabSession
from labs.refusals import BudgetUsedUp
from tests.labs.factories import LabFactory, LearnerFactory
from tests.labs.metering.conftest import BEGAN, card, joined, made, worked

pytestmark = pytest.mark.django_db

LATER = BEGAN + timedelta(days=1)


@pytest.fixture(autouse=True)
def prices():
    return card()


def test_while_the_budget_lasts_a_lab_starts_and_then_no_more(engine, clock, school):
    learner, lab = joined(school), LabFactory()
    Budget.objects.create(organisation=school, amount="3.25")
    worked(engine, clock, 3599, learner=learner)
    budgets.ensure_budget(learner, lab)
    worked(engine, clock, 1, learner=learner)
    with override("en"), pytest.raises(BudgetUsedUp, match="used up"):
        sessions.start_lab(learner, lab)
    assert not LabSession.objects.of(learner).open().exists()


def test_a_budget_that_does_not_stop_only_warns(engine, clock, school):
    learner = joined(school)
    Budget.objects.create(organisation=school, amount="0.01", stops=False)
    worked(engine, clock, 3600, learner=learner)
    budgets.ensure_budget(learner, LabFactory())
    assert budgets.watch().stop == []
    assert BudgetWarning.objects.count() == 3


def test_a_budget_counts_its_own_circle_and_its_own_month(engine, clock, school):
    one, other = joined(school), joined(school)
    group = Group.objects.create(name="evening class")
    other.groups.add(group)
    Budget.objects.create(organisation=school, amount="1", learner=one)
    Budget.objects.create(organisation=school, amount="1", group=group)
    worked(engine, clock, 3600, learner=one)
    with pytest.raises(BudgetUsedUp):
        budgets.ensure_budget(one, LabFactory())
    budgets.ensure_budget(other, LabFactory())
    worked(engine, clock, 3600, learner=other)
    with pytest.raises(BudgetUsedUp):
        budgets.ensure_budget(other, LabFactory())
    clock(31 * 86_400)
    budgets.ensure_budget(one, LabFactory())


def test_nobody_elses_budget_concerns_a_learner(engine, clock, school):
    Budget.objects.create(organisation=school, amount="0.01")
    worked(engine, clock, 3600, learner=joined(school))
    budgets.ensure_budget(LearnerFactory(), LabFactory())


def test_without_a_budget_a_start_asks_once(school, django_assert_num_queries):
    learner, lab = joined(school), LabFactory()
    with django_assert_num_queries(1):
        budgets.ensure_budget(learner, lab)


def test_those_responsible_get_each_warning_once_in_both_languages(
    engine, clock, school, mailoutbox, django_capture_on_commit_callbacks
):
    joined(school, responsible=True, email="head@example.org")
    joined(school, responsible=True, email="second@example.org")
    learner = joined(school)
    Budget.objects.create(organisation=school, amount="6.50")
    worked(engine, clock, 3599, learner=learner)
    tasks.sample()
    assert mailoutbox == []
    worked(engine, clock, 1, learner=learner)
    for _time in range(3):
        tasks.sample()
    assert [letter.to for letter in mailoutbox] == [["head@example.org"], ["second@example.org"]]
    assert "50" in mailoutbox[0].subject
    assert "Cloud College" in mailoutbox[0].body
    assert "云学院" in mailoutbox[0].body
    assert "/labs/costs/budgets/school/" in mailoutbox[0].body
    worked(engine, clock, 3600, learner=learner)
    tasks.sample()
    assert [warning.percent for warning in BudgetWarning.objects.all()] == [50, 80, 100]
    assert len(mailoutbox) == 6


def test_mail_that_could_not_be_sent_is_sent_at_the_next_look(engine, clock, school, mailoutbox, monkeypatch):
    joined(school, responsible=True)
    Budget.objects.create(organisation=school, amount="1", stops=False)
    BudgetWarning.objects.create(budget=Budget.objects.get(), month=BEGAN.date().replace(day=1), percent=50)
    warning = BudgetWarning.objects.get()
    with monkeypatch.context() as patched:
        patched.setattr("labs.metering.budgets.send_mail", lambda *_a: (_ for _ in ()).throw(OSError("away")))
        with pytest.raises(OSError, match="away"):
            budgets.mail_warning(warning.pk)
    assert budgets.watch().mail == [warning.pk]
    budgets.mail_warning(warning.pk)
    assert len(mailoutbox) == 1


def test_what_runs_on_a_used_up_budget_is_told_and_ends_after_the_grace(engine, clock, school, settings):
    sandbox = made(engine, learner=joined(school), expires_at=BEGAN + timedelta(days=9))
    Budget.objects.create(organisation=school, amount="3.25")
    clock(3599)
    tasks.sample()
    assert bodies.session_body(sandbox.session)["message"] == ""
    clock(1)
    tasks.sample()
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY
    with override("en"):
        assert "ends at 13:10" in bodies.session_body(sandbox.session)["message"]
    clock(settings.LABS_BUDGET_GRACE_SECONDS)
    tasks.sample()
    sandbox.refresh_from_db()
    assert (sandbox.state, sandbox.reason) == (State.STOPPED, Reason.QUOTA)


def test_a_budget_raised_within_the_grace_ends_nothing(engine, clock, school, settings):
    sandbox = made(engine, learner=joined(school), expires_at=BEGAN + timedelta(days=9))
    budget = Budget.objects.create(organisation=school, amount="3.25")
    clock(3600)
    tasks.sample()
    Budget.objects.filter(pk=budget.pk).update(amount="100")
    clock(settings.LABS_BUDGET_GRACE_SECONDS)
    tasks.sample()
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY
    assert bodies.session_body(sandbox.session)["message"] == ""


class TestThePage:
    def signed_in(self, person) -> Client:
        visitor = Client()
        visitor.force_login(person, "django.contrib.auth.backends.ModelBackend")
        return visitor

    def test_those_responsible_set_and_remove_budgets(self, school):
        head, pupil = joined(school, responsible=True), joined(school)
        visitor = self.signed_in(head)
        address = "/en/labs/costs/budgets/school/"
        assert "No budget is set" in visitor.get(address).content.decode()
        posted = {"learner": pupil.pk, "group": "", "amount": "50.00", "stops": "on"}
        assert visitor.post(address, posted).status_code == 302
        budget = Budget.objects.current().get()
        assert (budget.organisation, budget.learner, budget.stops) == (school, pupil, True)
        page = visitor.get(address).content.decode()
        assert "¥50.00" in page
        assert visitor.post(f"{address}{budget.pk}/end/").status_code == 302
        assert not Budget.objects.current().exists()

    def test_a_budget_of_nothing_is_refused_with_words(self, school):
        visitor = self.signed_in(joined(school, responsible=True))
        answer = visitor.post("/en/labs/costs/budgets/school/", {"amount": "0"})
        assert answer.status_code == 422
        assert Budget.objects.count() == 0

    def test_nobody_else_sees_or_sets_them(self, school):
        for person in (joined(school), LearnerFactory()):
            visitor = self.signed_in(person)
            assert visitor.get("/en/labs/costs/budgets/school/").status_code == 403
            assert visitor.post("/en/labs/costs/budgets/school/", {"amount": "1"}).status_code == 403
        assert Client().get("/en/labs/costs/budgets/school/").status_code == 302
