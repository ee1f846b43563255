"""Checks: who runs them, what they find, what counts, and what the learner reads."""

import logging
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import override

from labs import bodies, grading, sessions
from labs.drivers.base import DriverError, RunResult
from labs.lifecycle import Reason, State
from labs.models import CheckRequest, CheckResult
from labs.signals import lab_passed
from tests.labs.factories import LabFactory, SessionFactory, node

pytestmark = pytest.mark.django_db

PASSES = RunResult(0, "fine\n", 7)


def fails(*lines: str) -> RunResult:
    return RunResult(1, "\n".join(lines) + "\n", 5)


@pytest.fixture
def session(engine):
    lab = LabFactory(
        nodes=[node("a"), node("b")], steps={"first": {"up": "a", "linked": "b"}, "second": {"kept": "a"}}
    )
    session = SessionFactory(lab=lab)
    engine.create(session.sandbox.spec())
    return session


def check(session, step="first"):
    request = sessions.check_work(session, session.lab.steps.get(key=step))
    grading.check_work(request.pk)
    request.refresh_from_db()
    return request


def finish(session):
    request = sessions.finish_lab(session)
    sandbox = grading.check_work(request.pk)
    request.refresh_from_db()
    return request, sandbox


def shown(session, check="up"):
    return next(c for s in bodies.session_body(session)["steps"] for c in s["checks"] if c["id"] == check)


def test_a_check_runs_as_the_checker_in_the_learners_group(engine, session):
    check(session)
    uid = session.sandbox.uid
    assert {(run.node, run.uid, run.gid) for run in engine.runs} == {("a", uid + 1, uid), ("b", uid + 1, uid)}


def test_only_the_checks_of_the_step_run(engine, session):
    check(session, "second")
    assert list(CheckResult.objects.values_list("check_key", flat=True)) == ["kept"]


def test_what_a_check_found_is_kept(engine, session):
    engine.answer("check up", RunResult(1, "seen: 3\nsilent\n", 12))
    assert check(session).passed is False
    found = CheckResult.objects.get(check_key="up")
    assert (found.passed, found.reason, found.output, found.duration_ms, found.exit_code) == (
        False,
        "silent",
        "seen: 3\nsilent\n",
        12,
        1,
    )


def test_the_reason_is_the_last_line_and_is_not_shown_twice(engine, session):
    engine.answer("check up", fails("seen: 3", "silent"))
    check(session)
    with override("en"):
        body = shown(session)
    assert (body["reason"], body["output"]) == ("It says nothing", "seen: 3")


@pytest.mark.parametrize("output", ["", "\n\n", "no such key\n", "silent but longer\n"])
def test_any_other_output_has_the_reason_otherwise(engine, session, output):
    engine.answer("check up", RunResult(1, output, 1))
    check(session)
    with override("en"):
        assert shown(session)["reason"] == "Something else"


def test_each_failure_in_a_row_unlocks_one_more_hint_and_a_pass_begins_anew(engine, session):
    hints = []
    for answer in (fails("silent"), fails("silent"), fails("silent"), PASSES, fails("silent")):
        engine.answer("check up", answer)
        check(session)
        with override("en"):
            hints.append(shown(session)["hint"])
    assert hints == ["first", "second", "second", "", "first"]


def test_words_come_in_the_language_in_use(engine, session):
    engine.answer("check up", fails("silent"))
    check(session)
    with override("zh-hans"):
        assert shown(session)["reason"] == "It says nothing（中文）"


def test_a_check_that_takes_too_long_says_so(engine, session):
    engine.answer("check up", RunResult(124, "half\n", 5000))
    check(session)
    assert CheckResult.objects.get(check_key="up").reason == grading.TIMEOUT
    with override("en"):
        assert "time limit" in shown(session)["reason"]


def test_work_made_unreadable_asks_for_the_permission(engine, session):
    engine.answer("check up", fails("unreadable"))
    check(session)
    with override("en"):
        assert "chmod" in shown(session)["hint"]


def test_a_missing_node_is_not_called_the_learners_fault(engine, session):
    engine.lose(session.sandbox.ref, "a")
    check(session)
    assert CheckResult.objects.get(check_key="up").reason == grading.NODE_GONE


def test_an_engine_error_fails_the_check_and_not_the_worker(engine, session):
    engine.fail("run", DriverError("no"), times=2)
    assert check(session).passed is False
    assert set(CheckResult.objects.values_list("reason", flat=True)) == {grading.ENGINE}


def test_output_is_capped_and_holds_nothing_a_database_refuses(engine, session):
    engine.answer("check up", RunResult(1, "\x00" + "x" * 100_000, 1))
    check(session)
    output = CheckResult.objects.get(check_key="up").output
    assert "\x00" not in output
    assert len(output) == grading.OUTPUT_CHARS


def test_a_request_delivered_twice_is_answered_once(engine, session):
    request = check(session)
    grading.check_work(request.pk)
    assert len(engine.runs) == 2


def test_a_request_whose_worker_died_is_run_again_in_full(engine, session):
    request = sessions.check_work(session, session.lab.steps.get(key="first"))
    CheckRequest.objects.update(claimed_until=timezone.now() - timezone.timedelta(seconds=1))
    grading.check_work(request.pk)
    request.refresh_from_db()
    assert request.passed is True
    assert CheckResult.objects.count() == 2


def test_a_step_without_checks_has_nothing_to_fail(engine, session):
    session.lab.steps.get(key="second").checks.all().delete()
    assert check(session, "second").passed is True


def test_a_lab_without_checks_is_never_passed(engine, session):
    for step in session.lab.steps.all():
        step.checks.all().delete()
    assert finish(session)[0].passed is False


def test_a_finish_with_every_check_passing_passes_the_lab(engine, session):
    request, sandbox = finish(session)
    session.refresh_from_db()
    assert request.passed is True
    assert sandbox == session.sandbox.pk
    assert session.passed_at is not None
    assert session.passed_at == session.closed_at
    assert (session.points, session.points_of) == (6, 6)
    assert session.clauses == ["yl-t-001:2026:service-health"]
    assert (session.sandbox.state, session.sandbox.reason) == (State.STOPPING, Reason.FINISHED)


def test_a_finish_with_one_failing_check_keeps_the_session_open(engine, session):
    engine.answer("check kept", fails("silent"))
    request, sandbox = finish(session)
    session.refresh_from_db()
    assert (request.passed, sandbox) == (False, None)
    assert session.is_open
    assert session.passed_at is None
    result = bodies.result_body(request, bodies.session_body(session))
    assert result["failing"] == ["kept"]


def test_passing_every_step_one_by_one_is_no_pass(engine, session):
    assert check(session, "first").passed
    assert check(session, "second").passed
    session.refresh_from_db()
    assert session.passed_at is None


def test_a_check_that_passed_before_is_looked_at_again_by_the_finish(engine, session):
    check(session)
    engine.answer("check up", fails("silent"))
    finish(session)
    assert shown(session)["passed"] is False


def test_a_learner_who_left_while_the_checks_ran_has_not_passed(engine, session, monkeypatch):
    request = sessions.finish_lab(session)
    run_checks = grading.run_checks

    def run_checks_then_leave(*args):
        yield from run_checks(*args)
        sessions.abandon(session)

    monkeypatch.setattr(grading, "run_checks", run_checks_then_leave)
    grading.check_work(request.pk)
    session.refresh_from_db()
    request.refresh_from_db()
    assert session.passed_at is None
    assert request.problem == "session_closed"


def test_a_pass_is_told_upward_once_it_is_committed(
    engine, session, django_capture_on_commit_callbacks, caplog
):
    told = []

    @receiver(lab_passed)
    def listen(sender, session, **_kwargs):
        told.append(session.pk)
        raise RuntimeError("a receiver that fails")

    try:
        with caplog.at_level(logging.ERROR), django_capture_on_commit_callbacks(execute=True):
            finish(session)
    finally:
        lab_passed.disconnect(listen)
    assert told == [session.pk]
    session.refresh_from_db()
    assert session.passed_at is not None


def test_a_lab_passed_is_taken_down(engine, session, committed):
    committed(sessions.finish_lab, session)
    session.refresh_from_db()
    assert session.sandbox.state == State.STOPPED
    assert engine.list_refs() == set()


def test_checks_whose_sandbox_is_gone_are_answered(engine, session):
    request = sessions.finish_lab(session)
    session.sandbox.move(State.STOPPING)
    grading.check_work(request.pk)
    request.refresh_from_db()
    assert (request.passed, request.problem) == (False, "not_ready")


@pytest.fixture
def place():
    """A folder that everybody may enter; pytest's own is shut to others."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def shell(place):
    """What /bin/sh says of a check's script, as somebody whom permissions bind."""

    def run(script):
        return subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh", "-s"],
            input=grading.PRELUDE + f"cd {place} || exit 3\n" + script,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )

    return run


def test_readable_is_true_for_what_can_be_read(shell, place):
    (place / "work").write_text("done")
    (place / "work").chmod(0o644)
    done = shell("readable work && cat work")
    assert (done.returncode, done.stdout) == (0, "done")


def test_readable_is_false_and_goes_on_for_what_does_not_exist(shell):
    done = shell("readable nothing/at/all || echo missing")
    assert (done.returncode, done.stdout) == (0, "missing\n")


def test_a_shut_file_ends_the_check_as_unreadable(shell, place):
    (place / "work").write_text("done")
    (place / "work").chmod(0o600)
    done = shell("readable work; echo passed over")
    assert (done.returncode, done.stdout) == (1, "unreadable\n")


def test_a_shut_directory_above_ends_the_check_as_unreadable(shell, place):
    (place / "home").mkdir(mode=0o700)
    (place / "home" / "work").write_text("done")
    done = shell(f"readable {place}/home/work; echo passed over")
    assert (done.returncode, done.stdout) == (1, "unreadable\n")


def test_a_link_to_nowhere_is_missing_and_not_unreadable(shell, place):
    (place / "work").symlink_to("nowhere")
    done = shell("readable work || echo missing")
    assert (done.returncode, done.stdout) == (0, "missing\n")
