"""Allowances: what every learner, one learner, a class and an organisation may have, told before and after it is used up."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from community.api import Organisation, Role
from community.models import ApiToken
from community.roles import assign, ensure_roles
from labs import bodies, provisioning, queueing, sessions, tasks
from labs.lifecycle import Reason, State
from labs.metering import limits, quotas
from labs.metering.limits import period_around
from labs.models import (
    Allowance,
    AllowanceWarning,
    ClassPlace,
    Kind,
    LabSession,
    OperatorAct,
    Outcome,
    Place,
    QueuePlace,
    TaughtClass,
)
from labs.refusals import QuotaExceeded
from tests.labs.factories import LabFactory, LearnerFactory
from tests.labs.metering.conftest import BEGAN, clock, joined, made, school, worked

__all__ = ["clock", "school"]
pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"
# Half a processor and 128 MiB an hour, as a made sandbox holds them.
CPU_HOUR, MEMORY_HOUR = 1800, 128 * 3600


def in_class(name: str, *people, since=BEGAN - timedelta(days=100)) -> TaughtClass:
    taught_class = TaughtClass.objects.create(name=name)
    for person in people:
        ClassPlace.objects.create(
            taught_class=taught_class, person=person, role=Place.LEARNS, joined_at=since
        )
    return taught_class


def amount(learner, kind=Kind.CPU):
    """What is used and what there is of the tightest amount of ``kind``."""
    found = next(limit for limit in quotas.limits_of(learner.pk) if limit.kind == kind)
    return found.used, found.most


class TestWhichHolds:
    def test_without_any_a_learner_has_as_many_labs_as_the_settings_say(self, learner, settings):
        (limit,) = quotas.limits_of(learner.pk)
        assert (limit.kind, limit.most, limit.allowance) == (
            Kind.SANDBOXES,
            settings.LABS_SESSIONS_PER_LEARNER,
            None,
        )

    def test_ones_own_figures_stand_in_for_everybodys_one_by_one(self, learner):
        Allowance.objects.create(sandboxes=2, cpu_seconds=100, period="week")
        Allowance.objects.create(learner=learner, cpu_seconds=500, period="day")
        held = {limit.kind: limit.most for limit in quotas.limits_of(learner.pk)}
        assert held == {Kind.SANDBOXES: 2, Kind.CPU: 500}
        assert amount(LearnerFactory()) == (0, 100)

    def test_of_all_that_hold_the_one_of_which_the_greatest_share_is_used_comes_first(
        self, engine, clock, school
    ):
        learner = joined(school)
        Allowance.objects.create(cpu_seconds=10 * CPU_HOUR)
        Allowance.objects.create(organisation=school, cpu_seconds=3 * CPU_HOUR)
        Allowance.objects.create(taught_class=in_class("evening", learner), mib_seconds=2 * MEMORY_HOUR)
        worked(engine, clock, 3600, learner=learner)
        amounts = [limit for limit in quotas.limits_of(learner.pk) if limit.is_amount]
        assert [(limit.kind, limit.percent) for limit in amounts] == [
            (Kind.MEMORY, 50),
            (Kind.CPU, 33),
            (Kind.CPU, 10),
        ]

    def test_nobody_elses_concerns_a_learner(self, learner, school):
        Allowance.objects.create(organisation=school, cpu_seconds=0)
        Allowance.objects.create(taught_class=in_class("other"), cpu_seconds=0)
        Allowance.objects.create(learner=LearnerFactory(), cpu_seconds=0)
        sessions.start_lab(learner, LabFactory())

    def test_an_allowance_is_for_one_circle_and_one_is_for_everybody(self, learner, school):
        Allowance.objects.create(sandboxes=2)
        for wrong in ({}, {"learner": learner, "organisation": school}, {"learner": learner, "weight": 2}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Allowance.objects.create(**wrong)


class TestWhatIsUsed:
    def test_closed_and_running_intervals_count_and_frozen_machines_hold_memory_alone(self, engine, clock):
        learner = LearnerFactory()
        Allowance.objects.create(cpu_seconds=9999, mib_seconds=10**9)
        worked(engine, clock, 3600, learner=learner)
        sandbox = made(engine, learner=learner, expires_at=BEGAN + timedelta(days=1))
        clock(60)
        assert amount(learner) == (CPU_HOUR + 30, 9999)
        sessions.suspend(sandbox.session)
        tasks.settle(sandbox.pk)
        tasks.sample()
        clock(3600)
        cpu, _most = amount(learner)
        memory, _most = amount(learner, Kind.MEMORY)
        assert cpu == CPU_HOUR + 30
        assert memory == 2 * MEMORY_HOUR + 60 * 128

    def test_an_organisation_and_a_class_share_what_their_people_use(self, engine, clock, school):
        one, other = joined(school), joined(school)
        Allowance.objects.create(organisation=school, cpu_seconds=5000)
        Allowance.objects.create(taught_class=in_class("evening", one, other), mib_seconds=10**9)
        for person in (one, other):
            worked(engine, clock, 3600, learner=person)
        assert amount(one) == amount(other) == (2 * CPU_HOUR, 5000)
        assert amount(one, Kind.MEMORY) == (2 * MEMORY_HOUR, 10**9)

    def test_a_class_counts_what_was_used_since_one_joined_it(self, engine, clock):
        learner = LearnerFactory()
        worked(engine, clock, 3600, learner=learner)
        taught_class = in_class("late", learner, since=timezone.now())
        Allowance.objects.create(taught_class=taught_class, cpu_seconds=5000)
        assert amount(learner) == (0, 5000)
        worked(engine, clock, 3600, learner=learner)
        assert amount(learner) == (CPU_HOUR, 5000)

    @pytest.mark.parametrize(("period", "days"), [("day", 1), ("week", 6), ("month", 22)])
    def test_it_is_given_anew_at_midnight_on_mondays_and_on_the_first(self, engine, clock, period, days):
        learner = LearnerFactory()
        Allowance.objects.create(cpu_seconds=CPU_HOUR, period=period)
        worked(engine, clock, 3600, learner=learner)
        with override("en"), pytest.raises(QuotaExceeded) as refused:
            sessions.start_lab(learner, LabFactory())
        _start, renews_at = period_around(period, BEGAN)
        assert f"{timezone.localtime(renews_at):%Y-%m-%d %H:%M}" in str(refused.value.remedy)
        clock((renews_at - timezone.now()).total_seconds() - 1)
        with pytest.raises(QuotaExceeded):
            sessions.start_lab(learner, LabFactory())
        clock(1)
        assert renews_at - BEGAN < timedelta(days=days)
        assert sessions.start_lab(learner, LabFactory()).is_open

    def test_many_learners_take_as_many_queries_as_one(
        self, engine, clock, school, django_assert_num_queries
    ):
        people = [joined(school) for _n in range(5)]
        Allowance.objects.create(cpu_seconds=10, mib_seconds=10)
        Allowance.objects.create(organisation=school, cpu_seconds=10, sandboxes=3)
        made(engine, learner=people[0])
        # Allowances, payers, labs open (2), and entries and meters of learners and of organisations.
        with django_assert_num_queries(8):
            reckoning = quotas.Reckoning([person.pk for person in people])
            assert all(len(reckoning.limits(person.pk)) == 5 for person in people)


class TestLabsAtOnce:
    def test_a_learner_may_have_as_many_as_they_are_allowed(self, engine, learner):
        Allowance.objects.create(learner=learner, sandboxes=2)
        for _n in range(2):
            assert sessions.start_lab(learner, LabFactory()).sandbox is not None
        with override("en"), pytest.raises(QuotaExceeded, match="as many labs open as you may at once: 2"):
            sessions.start_lab(learner, LabFactory())

    def test_of_an_organisation_and_of_a_class_no_more_run_or_wait_than_they_may(
        self, engine, school, settings
    ):
        settings.SANDBOX_CAPACITY_CPUS = 0.5
        people = [joined(school) for _n in range(3)]
        Allowance.objects.create(organisation=school, sandboxes=2)
        lab = LabFactory()
        started = [sessions.start_lab(person, lab) for person in people[:2]]
        assert [session.waiting_place is None for session in started] == [True, False]
        with override("en"), pytest.raises(QuotaExceeded, match="Cloud College"):
            sessions.start_lab(people[2], lab)
        sessions.abandon(started[1])
        assert sessions.start_lab(people[2], lab).is_open
        outsider = LearnerFactory()
        Allowance.objects.create(taught_class=in_class("evening", outsider, people[0]), sandboxes=1)
        with override("en"), pytest.raises(QuotaExceeded, match="class “evening”"):
            sessions.start_lab(outsider, lab)


class TestTheQueue:
    @pytest.fixture
    def waiting(self, engine, settings, learner, lab):
        settings.SANDBOX_CAPACITY_CPUS = 0.5
        inside = sessions.start_lab(LearnerFactory(), lab)
        waiting = sessions.start_lab(learner, lab)
        provisioning.stop(inside.sandbox.pk, Reason.FINISHED)
        return waiting

    def test_whose_allowance_is_used_up_when_their_turn_comes_is_told_and_the_next_is_let_in(
        self, waiting, learner, lab
    ):
        Allowance.objects.create(learner=learner, cpu_seconds=0)
        behind = LearnerFactory()
        after = sessions.start_lab(behind, lab)
        waiting.refresh_from_db()
        assert QueuePlace.objects.get(session=waiting).outcome == Outcome.USED_UP
        assert not waiting.is_open
        assert after.sandbox is not None
        with override("en"):
            assert "allowance for labs was used up" in bodies.session_body(waiting)["message"]

    def test_whoever_waits_counts_once_among_the_labs_open(self, waiting, learner):
        Allowance.objects.create(learner=learner, sandboxes=1)
        assert queueing.admit().provision == [LabSession.objects.get(pk=waiting.pk).sandbox.pk]


class TestWhileItRuns:
    @pytest.fixture
    def running(self, engine, clock):
        learner = LearnerFactory()
        self.allowance = Allowance.objects.create(learner=learner, cpu_seconds=CPU_HOUR)
        return made(engine, learner=learner, expires_at=BEGAN + timedelta(days=9))

    def message(self, sandbox):
        with override("en"):
            return bodies.session_body(sandbox.session)["message"]

    def test_at_four_fifths_it_is_told_once_and_in_the_end_it_stops_after_the_grace(
        self, running, clock, settings, monkeypatch
    ):
        told = []
        clock(2879)
        tasks.sample()
        assert self.message(running) == ""
        monkeypatch.setattr("labs.notices.session_changed", told.append)
        clock(1)
        for _time in range(3):
            tasks.sample()
        assert told == [running.session_id]
        assert "80 % of an allowance is used; 0.100 processor hours are left" in self.message(running)
        clock(720)
        tasks.sample()
        assert told == [running.session_id] * 2
        assert "used up: 0.500 processor hours. This lab ends at 13:10" in self.message(running)
        monkeypatch.undo()
        clock(settings.LABS_BUDGET_GRACE_SECONDS)
        tasks.sample()
        running.refresh_from_db()
        assert (running.state, running.reason) == (State.STOPPED, Reason.QUOTA)
        assert [note.percent for note in AllowanceWarning.objects.all()] == [80, 100]

    def test_more_given_within_the_grace_ends_nothing(self, running, clock, settings):
        clock(3600)
        tasks.sample()
        Allowance.objects.update(cpu_seconds=10 * CPU_HOUR)
        clock(settings.LABS_BUDGET_GRACE_SECONDS)
        tasks.sample()
        running.refresh_from_db()
        assert running.state == State.READY
        assert self.message(running) == ""

    def test_when_a_shared_allowance_is_used_up_all_who_run_on_it_are_told(
        self, engine, clock, school, monkeypatch
    ):
        boxes = [
            made(engine, learner=joined(school), expires_at=BEGAN + timedelta(days=9)) for _n in range(2)
        ]
        Allowance.objects.create(organisation=school, cpu_seconds=CPU_HOUR)
        told = []
        monkeypatch.setattr("labs.notices.session_changed", told.append)
        clock(1800)
        quotas.watch()
        assert set(told) == {box.session_id for box in boxes}

    def test_the_session_says_what_is_left(self, running, clock):
        clock(1800)
        with override("en"):
            (left,) = bodies.session_body(running.session)["allowances"]
        assert (left["kind"], left["left"], left["percent"]) == ("cpu", CPU_HOUR // 2, 50)
        assert left["left_words"] == "0.250 processor hours"


class TestPages:
    @pytest.fixture
    def learner(self, client):
        learner = LearnerFactory()
        client.force_login(learner, BACKEND)
        return learner

    def test_what_is_left_is_shown_before_the_start_and_among_the_costs(self, client, learner, lab):
        Allowance.objects.create(cpu_seconds=7200, period="week")
        with override("en"):
            addresses = reverse("labs:lab", args=[lab.slug]), reverse("labs:costs")
        for address in addresses:
            page = client.get(address).content.decode()
            assert "2.0 processor hours of 2.0 processor hours left" in page

    def test_a_refused_start_says_why_on_the_labs_page(self, client, learner, lab):
        Allowance.objects.create(cpu_seconds=0)
        with override("en"):
            address = reverse("labs:start", args=[lab.slug])
        page = client.post(address, follow=True).content.decode()
        assert "Your allowance is used up" in page
        assert "given anew on" in page

    def test_programs_read_the_same(self, client, lab):
        learner = LearnerFactory()
        secret = ApiToken.issue(learner)
        Allowance.objects.create(cpu_seconds=0)
        headers = {"authorization": f"Bearer {secret}"}
        left = client.get("/api/v1/lab-allowances?lang=en", headers=headers).json()
        assert [(one["kind"], one["left"]) for one in left] == [("cpu", 0), ("sandboxes", 1)]
        refused = client.post(
            "/api/v1/lab-sessions?lang=en",
            {"lab": lab.slug},
            content_type="application/json",
            headers=headers,
        )
        assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
        assert "operator" in refused.json()["remedy"]

    def test_operators_set_them_in_the_administration_and_the_log_says_who(self, client, school):
        ensure_roles()
        operator = LearnerFactory(username="olga")
        assign(operator, Role.OPERATOR)
        client.force_login(operator, BACKEND)
        posted = {"organisation": school.pk, "taught_class": "", "learner": "", "sandboxes": 5}
        posted |= {"cpu_seconds": "", "mib_seconds": "", "period": "week", "weight": 2}
        assert client.post(reverse("wagtailsnippets_labs_allowance:add"), posted).status_code == 302
        allowance = Allowance.objects.get()
        change = reverse("wagtailsnippets_labs_allowance:edit", args=[allowance.pk])
        assert client.post(change, posted | {"sandboxes": 6}).status_code == 302
        last, first = OperatorAct.objects.all()
        assert (first.operator, first.verb) == (operator, "allow")
        assert "labs=5" in first.words
        assert "labs=6" in last.words
        assert client.get(reverse("wagtailsnippets_labs_allowance:list")).status_code == 200


def test_the_words_of_a_limit_name_whose_it_is(school):
    allowance = Allowance(organisation=Organisation(name_en="Cloud College", name_zh="云学院"), cpu_seconds=1)
    with override("en"):
        message, _remedy = limits.refusal_of(limits.Limit(Kind.CPU, 1, 1, allowance))
    assert message.startswith("The allowance of Cloud College is used up")
