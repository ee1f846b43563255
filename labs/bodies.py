"""What the outside sees of a lab session: one body for the REST API, the websocket and the page."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from labs import grading, waiting
from labs.elasticity import Outlook
from labs.keeping_bodies import homes_body
from labs.lifecycle import Reason, State
from labs.metering import budgets, pricing, quotas, rates
from labs.metering.limits import WARNS_AT, Limit, body_of, duration, refusal_of, running_low
from labs.models import (
    Allowance,
    CheckRequest,
    CheckResult,
    HintOpening,
    Lab,
    LabCheck,
    LabSession,
    LabStep,
    Node,
    Resize,
    Sandbox,
)
from labs.models.lab import LabQuerySet, spoken
from labs.models.resizing import Problem as ResizeProblem
from labs.models.resting import Cause
from labs.teaching.hints import Hints, hints_of
from labs.waiting import QUEUED

BUILT_IN: dict[str, tuple[str | Promise, str | Promise]] = {
    grading.UNREADABLE: (
        gettext_lazy("The check may not read your work: its permissions shut the group out."),
        gettext_lazy(
            "Restore the permission, for example with: chmod g+rX on the file and the directories above it."
        ),
    ),
    grading.TIMEOUT: (
        gettext_lazy("The check got no answer within its time limit."),
        gettext_lazy("Look whether the program it asks is running and answering, then check again."),
    ),
    grading.NODE_GONE: (
        gettext_lazy("The machine was not running when the check came."),
        gettext_lazy("Wait until it is ready again, then check again."),
    ),
    grading.ENGINE: (
        gettext_lazy("The check could not be run; this is not your work's fault."),
        gettext_lazy("Check again in a moment."),
    ),
    grading.OTHERWISE: (gettext_lazy("The check did not find what it looks for."), ""),
}

PHASES: dict[str, str | Promise] = {
    "nodes": gettext_lazy("Building the network and starting the machines"),
    "ready": gettext_lazy("The machines are ready"),
}


@dataclass(frozen=True)
class Past:
    """What one result does not tell of a session's checks: when each last passed, which hints were opened."""

    gives_help: bool
    is_open: bool = True
    passes: dict[tuple[Any, str, str], datetime] = field(default_factory=dict)
    opened: tuple[HintOpening, ...] = ()

    @classmethod
    def of(cls, session: LabSession, *, has_failures: bool, charges: bool = True) -> "Past":
        """Passes of before are looked for only where something fails now, opened hints only where they cost."""
        return cls(
            session.gives_help,
            session.is_open,
            session.check_results.last_passes() if has_failures else {},
            tuple(session.hint_openings.all()) if charges else (),
        )

    @property
    def cost(self) -> int:
        return sum(opening.cost for opening in self.opened)


def told_labs() -> LabQuerySet:
    """Labs with all that the body of a session tells of them."""
    # Asked along with the lab, so that where no amount is limited nothing more is asked.
    return Lab.objects.complete().annotate(has_limits=Exists(Allowance.objects.giving_amounts()))


def session_body(session: LabSession, claimed: Sandbox | None = None) -> dict[str, Any]:
    """The session as JSON says it, words in the language in use.

    With the sandbox ``claimed`` from the pool a moment ago, nothing is asked about what cannot have happened since.
    """
    lab: Any = session.lab if hasattr(session.lab, "has_limits") else told_labs().get(pk=session.lab_id)
    sandbox = claimed or session.sandbox
    place = session.waiting_place if sandbox is None else None
    nodes = list(sandbox.nodes.all()) if sandbox else []
    resizes = {} if claimed else newest_resizes(nodes)
    requests = () if claimed else session.check_requests.unanswered().values_list("step", flat=True)
    asked = set(requests)
    newest = () if claimed else session.check_results.newest()
    results = {(found.step, found.check_key): found for found in newest}
    has_failures = not all(found.passed for found in results.values())
    past = Past.of(session, has_failures=has_failures, charges=lab.charges_for_hints and not claimed)
    amounts = quotas.amounts_of(session.learner_id) if session.is_open and lab.has_limits else []
    tight = amounts[0] if amounts else None
    return {
        "id": str(session.pk),
        "lab": lab.slug,
        "title": lab.title,
        "waking": sandbox is not None and sandbox.is_waking,
        "state": sandbox.state if sandbox else QUEUED if place else State.STOPPED,
        "reason": sandbox.reason if sandbox else waiting.ending_of(session),
        "message": _of_allowance(tight) if claimed else message_of(session, sandbox, nodes, tight),
        "queue": waiting.queue_body(place) if place else None,
        "opened_at": session.opened_at,
        "expires_at": session.expires_at,
        "closed_at": session.closed_at,
        "passed_at": session.passed_at,
        "now": timezone.now(),
        "extensions_left": session.extensions_left,
        "homes": homes_body(None if claimed else session),
        "finishing": "" in asked,
        "price": None if claimed else price_body(sandbox),
        "allowances": [body_of(limit) for limit in amounts],
        "mode": session.mode,
        "hints_cost": past.cost,
        "points": session.points if session.passed_at else max(0, _points(lab, results) - past.cost),
        "points_of": session.points_of if session.passed_at else lab.points,
        "nodes": [node_body(session, sandbox, node, resizes.get(node.pk)) for node in nodes if sandbox],
        "steps": [
            {
                "id": step.key,
                "title": step.title,
                "checking": step.key in asked,
                "checks": [
                    check_body(lab, check, results.get((step.key, check.key)), past)
                    for check in step.checks.all()
                ],
            }
            for step in lab.steps.all()
        ],
    }


def price_body(sandbox: Sandbox | None) -> dict[str, str] | None:
    """What the session has cost until now and costs in an hour, as text; None where nothing costs."""
    found = rates.bill(sandbox) if sandbox else None
    if found is None:
        return None
    return {
        "currency": found.currency,
        "so_far": rates.money(found.so_far, found.currency),
        "per_hour": rates.money(found.per_hour, found.currency),
        "amount": pricing.shown(found.so_far, 6),
        "hourly": pricing.shown(found.per_hour, 6),
    }


def steps_of(lab: Lab) -> list[LabStep]:
    """The lab's steps in order with their checks, in three queries for any number of them."""
    return list(Lab.objects.complete().get(pk=lab.pk).steps.all())


def _points(lab: Lab, results: dict[tuple[str, str], CheckResult]) -> int:
    return sum(
        check.points
        for step in lab.steps.all()
        for check in step.checks.all()
        if (found := results.get((step.key, check.key))) is not None and found.passed
    )


def newest_resizes(nodes: list[Node]) -> dict[int, Resize]:
    """By node, what was last wished of its size, in one query; in none when their lab allows no choice."""
    changeable = [node.pk for node in nodes if node.can_change_size]
    found = Resize.objects.filter(node__in=changeable).select_related("node") if changeable else ()
    return {wish.node_id: wish for wish in found}


def size_body(node: Node, last: Resize | None) -> dict[str, Any]:
    # The node as it was when the wish was read: an answer that came meanwhile is either in both or in neither.
    node = last.node if last is not None else node
    return {
        "cpus": node.millicpus / 1000,
        "memory_mib": node.memory_mib,
        "cpus_range": [node.millicpus_least / 1000, node.millicpus_most / 1000],
        "memory_mib_range": [node.memory_mib_least, node.memory_mib_most],
        "can_change": node.can_change_size,
        "changing": last is not None and last.answered_at is None,
        "problem": _why_size_was_kept(last) if last is not None and last.problem else "",
    }


def outlook_body(found: Outlook) -> dict[str, Any]:
    """What a new size would change, in figures and in a sentence or two."""
    price, words = None, []
    if found.price is not None:
        was, will_be = found.price.before, found.price.after
        digits = pricing.digits_for(was, will_be)
        before, after, difference = (
            rates.money(amount, found.price.currency, digits) for amount in (was, will_be, abs(will_be - was))
        )
        sign = "−" if will_be < was else "+"
        price = {"before": before, "after": after, "difference": f"{sign}{difference}"}
        words.append(
            _("This machine then costs %(after)s an hour instead of %(before)s (%(difference)s).") % price
        )
    if found.lasts_s is not None:
        words.append(
            _("What is left of your allowance lasts %(time)s at this size.")
            % {"time": duration(found.lasts_s)}
        )
    return {"price": price, "lasts_s": found.lasts_s, "words": " ".join(words)}


def _why_size_was_kept(last: Resize) -> str:
    if last.problem == ResizeProblem.IN_USE:
        return _(
            "%(used)d MiB are in use, memory file systems included: more than would be left to it. "
            "End programs or remove files in its home and in /tmp, then try again."
        ) % {"used": last.in_use_mib}
    return _("The size could not be changed: %(cause)s") % {"cause": last.detail}


def node_body(
    session: LabSession, sandbox: Sandbox, node: Node, resize: Resize | None = None
) -> dict[str, Any]:
    restarting = sandbox.state == State.READY and node.restart_asked_at is not None
    return {
        "name": node.name,
        "state": "restarting" if restarting else sandbox.state,
        "size": size_body(node, resize),
        "terminal": f"/ws/labs/sessions/{session.pk}/nodes/{node.name}/terminals/1/",
    }


def check_body(lab: Lab, check: LabCheck, found: CheckResult | None, past: Past) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": check.key,
        "title": check.title,
        "node": check.node,
        "points": check.points,
        "passed": None,
        "reason": "",
        "hint": "",
        "hint_next": 0,
        "hint_cost": 0,
        "passed_before_at": None,
        "output": "",
        "checked_at": None,
        "duration_ms": None,
    }
    if found is not None:
        reason, hint = words_for(check, found)
        hints = hints_of(lab, check, found, past.opened) if past.gives_help else Hints()
        before = None if found.passed else past.passes.get((found.session_id, found.step, found.check_key))
        body |= {
            "passed": found.passed,
            "reason": reason,
            "hint": hint or "\n".join(hints.read),
            "hint_next": hints.next if past.is_open else 0,
            "hint_cost": hints.cost,
            "passed_before_at": before,
            "output": _shown(found),
            "checked_at": found.checked_at,
            "duration_ms": found.duration_ms,
        }
    return body


def words_for(check: LabCheck, found: CheckResult) -> tuple[str, str]:
    """Why it failed, and what is built in to do about it; the lab's own hints are for labs.teaching.hints."""
    if found.passed:
        return "", ""
    words = check.reasons.get(found.reason)
    if words is None and found.reason in BUILT_IN and found.reason != grading.OTHERWISE:
        reason, hint = BUILT_IN[found.reason]
        return str(reason), str(hint)
    words = words or check.reasons.get(grading.OTHERWISE)
    if words is None:
        reason, hint = BUILT_IN[grading.OTHERWISE]
        return str(reason), str(hint)
    return words["reason"][spoken()], ""


def _shown(found: CheckResult) -> str:
    """The output without its last line when that is only the reason's key."""
    lines = found.output.rstrip().splitlines()
    if lines and not found.passed and grading.reason_key(found.output) == found.reason:
        lines = lines[:-1]
    return "\n".join(lines)


def message_of(
    session: LabSession, sandbox: Sandbox | None, nodes: list[Node], tight: Limit | None = None
) -> str:
    """What the learner should know now, in a sentence or two; empty when all goes its way.

    ``tight`` is the amount of which least is left.
    """
    if session.passed_at is not None:
        return _("You have passed this lab.")
    if sandbox is None:
        return waiting.message_of(session)
    if sandbox.state in {State.STOPPING, State.STOPPED}:
        return _ended(sandbox)
    if sandbox.state == State.READY:
        lost = [node.name for node in nodes if node.lost_at is not None]
        if lost:
            return _("%(nodes)s stopped unexpectedly and was started anew; files in its home are gone.") % {
                "nodes": ", ".join(lost)
            }
        return _of_money(sandbox) or _of_allowance(tight)
    if sandbox.state == State.SUSPENDED:
        return _frozen(sandbox)
    last = sandbox.events.exclude(detail="").last()
    if last is not None:
        return _("Starting takes longer than usual: %(cause)s") % {"cause": last.detail}
    return ""


def _of_money(sandbox: Sandbox) -> str:
    ends_at = budgets.ending(sandbox)
    if ends_at is None:
        return ""
    return _("The budget for labs is used up. This lab ends at %(time)s; save what you want to keep.") % {
        "time": f"{timezone.localtime(ends_at):%H:%M}"
    }


def _of_allowance(tight: Limit | None) -> str:
    if tight is None or tight.percent < WARNS_AT:
        return ""
    if not tight.is_used_up:
        return running_low(tight)
    message, _remedy = refusal_of(tight)
    end = _("This lab ends at %(time)s; save what you want to keep.") % {
        "time": f"{timezone.localtime(quotas.ends_at(tight)):%H:%M}"
    }
    return f"{message} {end}"


def _frozen(sandbox: Sandbox) -> str:
    if sandbox.is_waking:
        return _("The machines are waking.")
    if sandbox.wish_cause == Cause.IDLE:
        return _("Frozen for want of use, to save your allowance. Nothing is lost; any key wakes it.")
    return _("Frozen to save your allowance. Nothing is lost; any key wakes it.")


def _ended(sandbox: Sandbox) -> str:
    match sandbox.reason:
        case Reason.EXPIRED:
            return _("The time was up. Start the lab again when you are ready; it begins afresh.")
        case Reason.FAILED:
            return _(
                "The machines of this lab were lost or could not be started: %(cause)s "
                "This is not your fault. Start the lab again; if it happens again, tell the operator."
            ) % {"cause": sandbox.detail.rstrip(". ") + "."}
        case Reason.ABANDONED:
            return _("You left this lab before it was passed.")
        case Reason.IDLE:
            return _("The lab was ended because nothing happened in it for a long time.")
        case Reason.QUOTA:
            return _("The lab was ended because the allowance for lab time is used up.")
        case _other:
            return _("This lab session has ended.")


def result_body(request: CheckRequest, session: dict[str, Any]) -> dict[str, Any]:
    """What a request for checks came to, beside the ``session`` body it is part of."""
    done = request.answered_at is not None
    checks = [
        {"step": step["id"], **check}
        for step in session["steps"]
        if request.step in {"", step["id"]}
        for check in step["checks"]
    ]
    return {
        "id": str(request.pk),
        "step": request.step or None,
        "state": "done" if done else "running",
        "passed": request.passed if done else None,
        "problem": request.problem,
        "failing": [check["id"] for check in checks if done and not check["passed"]],
        "checks": checks if done else [],
    }


def progress_words(phase: str) -> str:
    """The phase of a start in words."""
    return str(PHASES.get(phase, ""))
