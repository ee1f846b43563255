"""Operators see what is wrong, find every sandbox and stop it; every act is kept; Prometheus reads the same."""

import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from community.api import Role
from community.roles import assign, ensure_roles
from labs import metrics, provisioning, sessions, sweeping
from labs.lifecycle import Reason, State
from labs.models import Attendant, CheckRequest, Host, OperatorAct, Sandbox
from labs.operating import acts, collector, troubles
from tests.labs.factories import LabFactory, LearnerFactory, SandboxFactory, SessionFactory

pytestmark = pytest.mark.django_db
PAGES = ("operations", "operating-sandboxes", "operating-acts")


@pytest.fixture
def operator(client):
    ensure_roles()
    person = LearnerFactory(username="olga")
    assign(person, Role.OPERATOR)
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return person


def read(text: bytes) -> dict[tuple[str, tuple[str, ...]], float]:
    """Samples by name and label values."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


class TestWhoMayOperate:
    @pytest.mark.parametrize("page", PAGES)
    def test_a_learner_is_shown_nothing(self, client, page):
        client.force_login(LearnerFactory(), "django.contrib.auth.backends.ModelBackend")
        assert client.get(reverse(f"labs:{page}")).status_code == 403

    @pytest.mark.parametrize("page", PAGES)
    def test_an_operator_is_shown_everything(self, client, operator, page):
        assert client.get(reverse(f"labs:{page}")).status_code == 200

    def test_a_learner_stops_nobodys_sandbox(self, client):
        sandbox = Sandbox.objects.get(session=SessionFactory())
        client.force_login(LearnerFactory(), "django.contrib.auth.backends.ModelBackend")
        answer = client.post(reverse("labs:operating-sandbox", args=[sandbox.ref]), {"words": "because"})
        sandbox.refresh_from_db()
        assert (answer.status_code, sandbox.state) == (403, State.READY)


class TestTroubles:
    @pytest.fixture(autouse=True)
    def recorder(self, db):
        Attendant.objects.heard(Attendant.Name.RECORDER)

    def test_nothing_is_wrong_while_workers_report_and_nothing_waits(self):
        Host.objects.update_or_create(pk=1, defaults={"seen_at": timezone.now(), "problem": ""})
        SessionFactory()
        assert troubles.troubles() == []

    def test_silent_workers_are_a_trouble_with_the_time_they_were_last_heard(self):
        seen_at = timezone.now() - 2 * troubles.SILENCE
        Host.objects.update_or_create(pk=1, defaults={"seen_at": seen_at, "problem": ""})
        (trouble,) = troubles.troubles()
        assert trouble.since == seen_at
        assert trouble.remedy

    @pytest.mark.parametrize("state", [State.REQUESTED, State.PROVISIONING, State.STOPPING])
    def test_a_sandbox_that_neither_comes_nor_goes_is_a_trouble(self, state):
        Host.objects.update_or_create(pk=1, defaults={"seen_at": timezone.now(), "problem": ""})
        since = timezone.now() - 2 * troubles.SLOW
        SandboxFactory(state=state, moved_at=since)
        SandboxFactory(state=state)
        (trouble,) = troubles.troubles()
        assert trouble.since == since
        assert "1" in trouble.words

    def test_checks_that_nobody_runs_are_a_trouble(self):
        Host.objects.update_or_create(pk=1, defaults={"seen_at": timezone.now(), "problem": ""})
        CheckRequest.objects.create(session=SessionFactory(), asked_at=timezone.now() - 2 * troubles.SLOW)
        assert len(troubles.troubles()) == 1


class TestStopping:
    def test_a_stopped_sandbox_ends_its_session_and_stands_in_the_log(
        self, client, operator, engine, committed
    ):
        session = committed(sessions.start_lab, LearnerFactory(), LabFactory())
        sandbox = session.sandbox
        committed(
            client.post, reverse("labs:operating-sandbox", args=[sandbox.ref]), {"words": "mines coins"}
        )
        sandbox.refresh_from_db()
        session.refresh_from_db()
        act = OperatorAct.objects.get()
        assert (sandbox.state, sandbox.reason) == (State.STOPPED, Reason.OPERATOR)
        assert session.closed_at is not None
        assert (act.operator, act.verb, act.target, act.words) == (
            operator,
            "stop",
            sandbox.ref,
            "mines coins",
        )
        assert engine.list_refs() == set()

    def test_stopping_what_is_gone_changes_and_logs_nothing(self, operator):
        sandbox = SandboxFactory(state=State.STOPPED)
        assert not acts.stop_sandbox(operator, sandbox, "again")
        assert not OperatorAct.objects.exists()

    def test_a_stop_without_a_reason_is_refused_at_the_field(self, client, operator):
        sandbox = Sandbox.objects.get(session=SessionFactory())
        answer = client.post(reverse("labs:operating-sandbox", args=[sandbox.ref]), {"words": " "})
        sandbox.refresh_from_db()
        assert answer.status_code == 422
        assert b'id="id_words_error"' in answer.content or b"error-summary" in answer.content
        assert sandbox.state == State.READY

    def test_an_act_outlives_its_operators_account(self, operator):
        acts.record(operator, OperatorAct.Verb.STOP, "r1")
        operator.delete()
        assert OperatorAct.objects.get().operator_name == "olga"


class TestDraining:
    def test_a_closed_host_lets_nobody_in_and_ends_nobody(self, client, operator, engine, committed):
        inside = committed(sessions.start_lab, LearnerFactory(), LabFactory())
        committed(client.post, reverse("labs:operating-host"), {"verb": "drain", "words": "new disk"})
        waiting = committed(sessions.start_lab, LearnerFactory(), LabFactory())
        assert waiting.waiting_place is not None
        assert waiting.waiting_place.position == 1
        assert inside.sandbox.state == State.READY
        assert OperatorAct.objects.get().words == "new disk"
        assert troubles.troubles()

    def test_an_opened_host_lets_in_who_waited(self, client, operator, engine, committed):
        acts.drain_host(operator, "")
        waiting = committed(sessions.start_lab, LearnerFactory(), LabFactory())
        committed(client.post, reverse("labs:operating-host"), {"verb": "open"})
        waiting.refresh_from_db()
        assert waiting.sandbox.state == State.READY
        assert [act.verb for act in OperatorAct.objects.order_by("pk")] == ["drain", "open"]

    def test_closing_twice_is_logged_once(self, operator):
        assert acts.drain_host(operator, "")
        assert not acts.drain_host(operator, "")
        assert OperatorAct.objects.count() == 1

    def test_a_learner_closes_nothing(self, client):
        client.force_login(LearnerFactory(), "django.contrib.auth.backends.ModelBackend")
        assert client.post(reverse("labs:operating-host"), {"verb": "drain"}).status_code == 403
        assert not Host.objects.exclude(draining_at=None).exists()


class TestLists:
    def test_sandboxes_are_found_by_learner_lab_and_ref(self, client, operator):
        mine = Sandbox.objects.get(session=SessionFactory(learner=LearnerFactory(username="zhang")))
        other = Sandbox.objects.get(session=SessionFactory())
        for words in ("zhang", mine.session.lab.slug, mine.ref):
            page = client.get(reverse("labs:operating-sandboxes"), {"q": words}).content.decode()
            assert mine.ref in page
            assert other.ref not in page

    def test_the_history_holds_what_ended(self, client, operator):
        ended, live = SandboxFactory(state=State.STOPPED), SandboxFactory()
        page = client.get(reverse("labs:operating-sandboxes"), {"ended": "1"}).content.decode()
        assert ended.ref in page
        assert live.ref not in page

    def test_a_long_list_asks_the_database_as_often_as_a_short_one(self, client, operator):
        def asked() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(reverse("labs:operating-sandboxes")).status_code == 200
            return len(queries)

        SessionFactory()
        asked()
        few = asked()
        for _n in range(8):
            SessionFactory()
        assert asked() == few


class TestMetrics:
    def test_they_are_refused_without_token_or_role(self, client):
        assert client.get("/metrics").status_code == 403
        with override_settings(LABS_METRICS_TOKEN="s3cret"):
            assert client.get("/metrics", headers={"authorization": "Bearer other"}).status_code == 403
            assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 403

    def test_an_empty_token_opens_nothing(self, client):
        with override_settings(LABS_METRICS_TOKEN=""):
            assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 403

    def test_the_token_reads_them_in_prometheus_format(self, client):
        SessionFactory()
        with override_settings(LABS_METRICS_TOKEN="s3cret"):
            answer = client.get("/metrics", headers={"authorization": "Bearer s3cret"})
        assert answer.status_code == 200
        assert read(answer.content)["yunlian_sandboxes", ("ready",)] == 1

    def test_a_start_is_counted_with_its_seconds_once(self, engine, committed):
        before = read(collector.exposition()).get(("yunlian_start_seconds_count", ("cold",)), 0)
        committed(sessions.start_lab, LearnerFactory(), LabFactory())
        assert read(collector.exposition())["yunlian_start_seconds_count", ("cold",)] == before + 1

    def test_what_a_sweep_puts_right_is_counted(self, engine, committed):
        before = read(collector.exposition()).get(("yunlian_sweep_repairs_total", ("stop",)), 0)
        SandboxFactory(state=State.STOPPING, moved_at=timezone.now() - timedelta(minutes=1))
        sweeping.sweep()
        assert read(collector.exposition())["yunlian_sweep_repairs_total", ("stop",)] == before + 1

    def test_counters_of_another_process_are_read_too(self, tmp_path):
        script = (
            "import sys, django; from django.conf import settings; settings.configure(VAR_DIR=sys.argv[1]); "
            "from labs import metrics; metrics.dropped('too_much')"
        )
        subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
        subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
        with override_settings(VAR_DIR=tmp_path):
            found = read(collector.exposition())
        assert found["yunlian_clients_dropped_total", ("too_much",)] == 2


def test_a_sandbox_that_an_operator_ended_says_so_to_its_learner(client, operator, committed):
    session = SessionFactory(learner=operator)
    sandbox = Sandbox.objects.get(session=session)
    acts.stop_sandbox(operator, sandbox, "mines coins")
    provisioning.stop(sandbox.pk, "")
    page = client.get(reverse("labs:session", args=[session.pk])).content.decode()
    assert "运维人员" in page
    assert "mines coins" not in page


def test_metrics_keep_their_files_in_the_installations_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    assert metrics.folder() == tmp_path / "run" / "metrics"
