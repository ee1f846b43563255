"""What the labs' pages show, gathered for their templates."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from community.api import ClauseReference, User, clauses
from labs import scheduling, sessions, topology
from labs.bodies import session_body, steps_of
from labs.lifecycle import Reason
from labs.metering import quotas
from labs.metering.limits import row_of
from labs.metering.rates import lab_price, money
from labs.models import Booking, Lab, LabSession, Outcome
from labs.models.lab import spoken
from labs.previews.hosts import are_offered as previews_offered
from labs.script_words import SCRIPTS, script_words
from labs.teaching import helping


def query_of(wish: dict[str, str]) -> str:
    """The filter as an address carries it, without what was not asked."""
    return urlencode({name: value for name, value in wish.items() if value})


def catalogue_cards(labs: Iterable[Lab], learner: User | None) -> list[dict[str, Any]]:
    """One card per lab, with how it stands with ``learner``, in two queries."""
    passed: set[int] = set()
    running: set[int] = set()
    if learner is not None:
        mine = LabSession.objects.of(learner)
        passed = set(mine.passed().values_list("lab_id", flat=True))
        running = set(mine.open().values_list("lab_id", flat=True))
    return [_card(lab, lab.pk in passed, lab.pk in running) for lab in labs]


def _card(lab: Lab, is_passed: bool, is_running: bool) -> dict[str, Any]:
    kind, label = "", ""
    if is_running:
        kind, label = "busy", _("Running")
    elif is_passed:
        kind, label = "good", _("Passed")
    return {
        "title": lab.title,
        "summary": lab.summary,
        "href": reverse("labs:lab", args=[lab.slug]),
        "meta": [lab.get_level_display(), minutes_in_words(lab.minutes), machines_in_words(len(lab.nodes))],
        "status_kind": kind,
        "status_label": label,
    }


def minutes_in_words(count: int) -> str:
    return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}


def machines_in_words(count: int) -> str:
    return ngettext("%(count)d machine", "%(count)d machines", count) % {"count": count}


def lab_facts(lab: Lab) -> dict[str, Any]:
    """What a lab asks, on which machines, and what its checks attest."""
    return {
        "lab": lab,
        "minutes": minutes_in_words(lab.minutes),
        "machines": machines_in_words(len(lab.nodes)),
        "drawing": topology.draw(lab.nodes),
        "steps": [{"title": step.title, "checks": step.checks.all()} for step in steps_of(lab)],
        "clauses": _clause_links(lab.clauses),
        "extend_minutes": settings.LABS_EXTEND_MINUTES,
        "extend_times": settings.LABS_EXTEND_TIMES,
        "recording_days": settings.LABS_RECORDING_DAYS,
    }


def _clause_links(references: Iterable[str]) -> list[dict[str, str]]:
    parsed = [ClauseReference.parse(text) for text in references]
    found = clauses(parsed, get_language() or settings.LANGUAGE_CODE)
    links = []
    for reference in parsed:
        link = found.get(reference)
        if link is None:
            links.append({"title": str(reference), "url": "", "standard": ""})
        else:
            title = f"{link.number} {link.title}".strip()
            links.append({"title": title, "url": link.url, "standard": link.standard_title})
    return links


def price_facts(lab: Lab, learner: User | None) -> dict[str, str]:
    """What the lab would cost whoever pays for ``learner``, in words; empty where nothing costs."""
    need = scheduling.needs(lab)
    price = lab_price(learner, need.millicpus, need.memory_mib, lab.minutes)
    if price is None:
        return {}
    return {"per_hour": money(price.per_hour, price.currency), "whole": money(price.whole, price.currency)}


def way_in(lab: Lab, learner: User | None) -> dict[str, Any]:
    """How ``learner`` may get into the lab: a running session of it, another that is in the way, or a start."""
    facts: dict[str, Any] = {
        "problem": sessions.engine_problem(),
        "running": None,
        "other": None,
        "passed": None,
        "price": price_facts(lab, learner),
        "booking": None,
        "allowances": [],
        "may_play": learner is not None and learner.has_perm("labs.play_solution", lab),
    }
    if learner is None:
        return facts
    facts["booking"] = Booking.objects.upcoming(timezone.now()).attended_by(learner).filter(lab=lab).first()
    mine = LabSession.objects.of(learner).select_related("lab", "place")
    running = list(mine.open())
    others = [session for session in running if session.lab_id != lab.pk]
    facts["running"] = next((session for session in running if session.lab_id == lab.pk), None)
    limits = quotas.limits_of(learner.pk)
    facts["allowances"] = [row_of(limit) for limit in limits if limit.allowance is not None]
    full = any(limit.is_used_up and limit.learner and not limit.is_amount for limit in limits)
    facts["other"] = others[0] if others and full else None
    facts["passed"] = mine.passed().filter(lab=lab).order_by("passed_at").first()
    return facts


def session_facts(request: HttpRequest, session: LabSession) -> dict[str, Any]:
    """The lab page: instructions, checks as they stand, and what the scripts start from."""
    body = session_body(session)
    language = get_language() or settings.LANGUAGE_CODE
    return {
        "session": session,
        "lab": session.lab,
        "body": body,
        "steps": _steps(session, body),
        "scripts": SCRIPTS,
        "words": script_words(),
        "startup": _startup(session.lab),
        "extend_minutes": settings.LABS_EXTEND_MINUTES,
        "queue_keep_minutes": settings.LABS_QUEUE_KEEP_MINUTES,
        "upload_mib": settings.LABS_UPLOAD_MIB,
        "previews": _previews(session),
        "previews_offered": previews_offered(),
        "page_data": {
            "session": body,
            "help": helping.help_body(session),
            "api": f"/api/v1/lab-sessions/{session.pk}",
            "events": f"/ws/labs/sessions/{session.pk}/events/?{urlencode({'lang': language})}",
            "csrf": get_token(request),
            "language": language,
            "terminals": session.lab.terminals,
        },
    }


def _steps(session: LabSession, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The lab's steps with their instructions, joined with what their checks have found."""
    found = {step["id"]: step["checks"] for step in body["steps"]}
    steps: list[dict[str, Any]] = [
        {
            "id": step.key,
            "title": step.title,
            "html": step.html,
            "checks": [{**check, "mark": _mark(check)} for check in found.get(step.key, [])],
        }
        for step in steps_of(session.lab)
    ]
    for before, after in pairwise(steps):
        before["next"] = {"id": after["id"], "title": after["title"]}
        after["previous"] = {"id": before["id"], "title": before["title"]}
    return steps


def _previews(session: LabSession) -> list[dict[str, Any]]:
    """The ports that the lab offers to open."""
    return [
        {
            "title": preview["title"][spoken()],
            "node": preview["node"],
            "port": preview["port"],
            "href": reverse("labs:preview", args=[session.pk, preview["node"], preview["port"]]),
        }
        for preview in session.lab.previews
    ]


def _mark(check: dict[str, Any]) -> str:
    if check["passed"] is None:
        return "unknown"
    if check["passed"]:
        return "passed"
    return "fell" if check["passed_before_at"] else "failed"


def _startup(lab: Lab) -> list[str]:
    names = _(", ").join(lab.node_names)
    return [
        _("A place is reserved for you"),
        _("A worker takes up the order"),
        _("The private network and the machines %(names)s are made") % {"names": names},
        _("The terminals open"),
    ]


def ended_facts(session: LabSession) -> dict[str, Any]:
    """How the session ended, what its checks had found, and the ways on."""
    body = session_body(session)
    again = LabSession.objects.filter(learner=session.learner_id, lab=session.lab_id).open().first()
    closed_at = session.closed_at or body["now"]
    spent_minutes = max(1, round((closed_at - session.opened_at).total_seconds() / 60))
    return {
        "session": session,
        "lab": session.lab,
        "body": body,
        "title": _ending(session, body["reason"]),
        "kind": _ending_kind(session, body["reason"]),
        "steps": _steps(session, body),
        "spent": minutes_in_words(spent_minutes),
        "recordings": session.recordings.order_by("node", "terminal", "began_at"),
        "again": again if again is not None and again.pk != session.pk else None,
        "breadcrumbs": [
            {"title": _("Labs"), "url": reverse("labs:catalogue")},
            {"title": session.lab.title, "url": reverse("labs:lab", args=[session.lab.slug])},
            {"title": _("Your session")},
        ],
    }


def _ending(session: LabSession, reason: str) -> str:
    if session.passed_at is not None:
        return _("Passed")
    titles: dict[str, str] = {
        Reason.EXPIRED: _("The time was up"),
        Reason.FAILED: _("The machines were lost"),
        Reason.ABANDONED: _("You left this lab"),
        Reason.IDLE: _("Ended because nothing happened for a long time"),
        Reason.OPERATOR: _("An operator of this site ended it"),
        Reason.QUOTA: _("Your allowance for lab time is used up"),
        Reason.FINISHED: _("Finished without passing"),
        Outcome.LEFT: _("You gave up your place in the queue"),
        Outcome.LAPSED: _("Your place in the queue has lapsed"),
        Outcome.USED_UP: _("Your allowance for lab time is used up"),
    }
    return titles.get(reason, _("This lab session has ended"))


def _ending_kind(session: LabSession, reason: str) -> str:
    if session.passed_at is not None:
        return "good"
    return "bad" if reason == Reason.FAILED else "warn"
