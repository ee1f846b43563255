"""Checks: scripts piped into the nodes from outside, never kept there; what they found becomes rows."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from labs import notices
from labs.about import about
from labs.drivers.base import Driver, DriverError, NodeGone, RunResult
from labs.engine import get_driver
from labs.lifecycle import Reason, State
from labs.models import CheckRequest, CheckResult, LabCheck, LabSession, Sandbox
from labs.signals import lab_passed

log = logging.getLogger(__name__)

OTHERWISE = "otherwise"
UNREADABLE, TIMEOUT, NODE_GONE, ENGINE = BUILT_IN = ("unreadable", "timeout", "node-gone", "engine")
OUTPUT_CHARS = 4096
CLAIM_SLACK_S = 30

# `readable PATH`: true when PATH can be read, false when it does not exist; ends the check with the reason
# `unreadable` when the learner's permissions hide it. Plain POSIX sh without external programs.
PRELUDE = r"""
readable() {
    case $1 in /*) _path=$1 ;; *) _path=$PWD/$1 ;; esac
    _seen=$_path
    while [ -n "$_seen" ] && [ ! -e "$_seen" ] && [ ! -L "$_seen" ]; do _seen=${_seen%/*}; done
    _seen=${_seen:-/}
    if [ -d "$_seen" ] && { [ ! -r "$_seen" ] || [ ! -x "$_seen" ]; }; then echo unreadable; exit 1; fi
    if [ "$_seen" != "$_path" ]; then return 1; fi
    if [ ! -e "$_path" ]; then return 1; fi
    if [ ! -r "$_path" ]; then echo unreadable; exit 1; fi
    return 0
}
"""


@dataclass(frozen=True)
class Finding:
    """What one check found; ``reason`` is a key of its reasons or built in, empty when it passed."""

    check: LabCheck
    passed: bool
    reason: str
    output: str
    exit_code: int
    duration_ms: int


def check_work(request_id: UUID | str) -> int | None:
    """The request is answered and its results are rows; the pk of the sandbox to stop when it passed the lab.

    Safe to run twice: one worker claims the request, and one that died is replaced when its claim runs out.
    """
    request = CheckRequest.objects.select_related("session__lab").filter(pk=request_id).first()
    if request is None:
        return None
    session = request.session
    sandbox = session.sandbox
    if sandbox is not None and session.is_open and sandbox.state == State.SUSPENDED:
        # It is being woken for this check; whoever wakes it sends the request again.
        return None
    checks = _checks_of(request)
    limit = timedelta(seconds=CLAIM_SLACK_S + sum(check.timeout_s for check in checks))
    if not CheckRequest.objects.unclaimed().filter(pk=request.pk).update(claimed_until=Now() + limit):
        return None
    if sandbox is None or not session.is_open or sandbox.state != State.READY:
        _answer(request, passed=False, problem="not_ready" if session.is_open else "session_closed")
        return None
    about(lab_session=session.pk, sandbox=sandbox.ref)
    request.results.all().delete()
    findings = []
    for finding in run_checks(get_driver(), sandbox, checks):
        _record(request, finding)
        findings.append(finding)
    passed = all(finding.passed for finding in findings) and bool(findings or not request.finishes)
    if request.finishes and passed:
        return _pass(request, sandbox, findings)
    _answer(request, passed=passed)
    return None


def run_checks(driver: Driver, sandbox: Sandbox, checks: list[LabCheck]) -> Iterator[Finding]:
    """What each check finds, as it is found; nodes side by side, the checks of one node one after another."""
    by_node = [list(mine) for _node, mine in groupby(sorted(checks, key=lambda c: c.node), lambda c: c.node)]
    if not by_node:
        return
    ref, uid = sandbox.ref, sandbox.uid
    for place in range(max(map(len, by_node))):
        # One round per place keeps results flowing and database work in this thread.
        row = [mine[place] for mine in by_node if place < len(mine)]
        with ThreadPoolExecutor(max_workers=len(row)) as threads:
            for done in as_completed([threads.submit(_run, driver, ref, uid, check) for check in row]):
                yield done.result()


def _run(driver: Driver, ref: str, uid: int, check: LabCheck) -> Finding:
    try:
        found = driver.run(
            ref,
            check.node,
            PRELUDE + check.script,
            uid=uid + 1,
            gid=uid,
            timeout_s=check.timeout_s,
            sealed=True,
        )
    except NodeGone as error:
        return Finding(check, False, NODE_GONE, str(error), -1, 0)
    except DriverError as error:
        log.warning("check %s on %s: %s", check.key, ref, error)
        return Finding(check, False, ENGINE, str(error), -1, 0)
    return _judge(check, found)


def _judge(check: LabCheck, found: RunResult) -> Finding:
    output = found.output.replace("\x00", "")[-OUTPUT_CHARS:]
    reason = ""
    if found.exit_code != 0:
        reason = TIMEOUT if found.timed_out else reason_key(output)
        if reason not in check.reasons and reason not in BUILT_IN:
            reason = OTHERWISE
    return Finding(check, found.exit_code == 0, reason, output, found.exit_code, found.duration_ms)


def reason_key(output: str) -> str:
    """The last line of ``output`` that is not blank, which names the reason."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else OTHERWISE


def _checks_of(request: CheckRequest) -> list[LabCheck]:
    checks = LabCheck.objects.filter(step__lab=request.session.lab_id)
    if not request.finishes:
        checks = checks.filter(step__key=request.step)
    return list(checks.select_related("step").order_by("step__sort_order", "sort_order"))


def _record(request: CheckRequest, finding: Finding) -> None:
    check = finding.check
    before = (
        CheckResult.objects.filter(session_id=request.session_id, step=check.step.key, check_key=check.key)
        .order_by("-pk")
        .first()
    )
    with transaction.atomic():
        result = CheckResult.objects.create(
            session_id=request.session_id,
            request=request,
            step=check.step.key,
            check_key=check.key,
            node=check.node,
            passed=finding.passed,
            reason=finding.reason,
            output=finding.output,
            exit_code=finding.exit_code,
            duration_ms=finding.duration_ms,
            failures=0 if finding.passed else (before.failures if before else 0) + 1,
        )
        notices.check_result(request.session_id, result.pk)


def _answer(request: CheckRequest, *, passed: bool, problem: str = "") -> None:
    with transaction.atomic():
        CheckRequest.objects.unanswered().filter(pk=request.pk).update(
            answered_at=Now(), passed=passed, problem=problem
        )
        notices.session_changed(request.session_id)


@transaction.atomic
def _pass(request: CheckRequest, sandbox: Sandbox, findings: list[Finding]) -> int | None:
    """The session is passed, unless it ended while its checks ran; the sandbox is then on its way out."""
    session = request.session
    points = sum(finding.check.points for finding in findings)
    # Under the row's lock no hint can be opened between the counting and the pass.
    LabSession.objects.select_for_update().get(pk=session.pk)
    earned = max(0, points - session.hint_openings.cost())
    clauses = sorted({clause for finding in findings for clause in finding.check.clauses})
    if not session.record_pass(earned, points, clauses):
        _answer(request, passed=False, problem="session_closed")
        return None
    _answer(request, passed=True)
    sandbox.begin_stop(Reason.FINISHED)
    transaction.on_commit(lambda: _tell(session))
    return sandbox.pk


def _tell(session: LabSession) -> None:
    for receiver, answer in lab_passed.send_robust(sender=LabSession, session=session):
        if isinstance(answer, Exception):
            log.error("lab_passed: %s failed", receiver, exc_info=answer)
