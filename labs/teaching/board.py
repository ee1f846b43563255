"""The instructor's wall as facts: where each learner of a class stands, who is stuck, who has a hand up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Prefetch
from django.utils import timezone

from community.api import User
from labs.lifecycle import State
from labs.models import (
    CheckResult,
    ClassPlace,
    Lab,
    LabSession,
    LabStep,
    Mode,
    Place,
    RaisedHand,
    Sandbox,
    TaughtClass,
    TypingLeave,
)
from labs.teaching.helping import name_of

FAILURES_OF_STUCK = 3
WATCHED_NODES = 3

Key = tuple[UUID, str, str]


@dataclass(frozen=True)
class Watched:
    """A terminal that the wall shows: the first of one node."""

    session: str
    ref: str
    node: str


@dataclass(frozen=True)
class Facts:
    """Everything the cards are made of, gathered in as many queries for thirty learners as for one."""

    newest: dict[Key, CheckResult]
    passes: dict[Key, datetime]
    hands: dict[UUID, RaisedHand]
    leaves: dict[UUID, bool]
    now: datetime


@dataclass(frozen=True)
class Board:
    """The cards in the order of who needs help first, and the terminals to look at."""

    cards: list[dict[str, Any]]
    watched: list[Watched]


def board_of(taught: TaughtClass, instructor: User) -> Board:
    """How the class stands now."""
    places = taught.places.filter(role=Place.LEARNS).select_related("person").order_by("person__username")
    learners = {place.person_id: place for place in places}
    sessions = list(
        LabSession.objects.open()
        .filter(learner__in=list(learners))
        .order_by("opened_at")
        .prefetch_related(
            Prefetch("lab", Lab.objects.complete()),
            Prefetch("sandboxes", Sandbox.objects.live().prefetch_related("nodes")),
        )
    )
    facts = _facts(sessions, instructor)
    newest = {session.learner_id: session for session in sessions}
    cards = [_card(place, newest.get(pk), facts) for pk, place in learners.items()]
    cards.sort(key=lambda card: card.pop("order"))
    return Board(cards, [seen for session in newest.values() for seen in _watched(session)])


def _facts(sessions: Iterable[LabSession], instructor: User) -> Facts:
    pks = [session.pk for session in sessions]
    results = CheckResult.objects.filter(session__in=pks)
    leaves = TypingLeave.objects.standing().of(instructor).filter(session__in=pks)
    return Facts(
        newest={(one.session_id, one.step, one.check_key): one for one in results.newest()},
        passes=results.last_passes(),
        hands={hand.session_id: hand for hand in RaisedHand.objects.up().filter(session__in=pks)},
        leaves={leave.session_id: leave.granted_at is not None for leave in leaves},
        now=timezone.now(),
    )


def _watched(session: LabSession) -> list[Watched]:
    boxes = [box for box in session.sandboxes.all() if box.state == State.READY]
    return [
        Watched(str(session.pk), box.ref, node.name)
        for box in boxes
        for node in list(box.nodes.all())[:WATCHED_NODES]
    ]


def _card(place: ClassPlace, session: LabSession | None, facts: Facts) -> dict[str, Any]:
    """One learner as the wall shows them; ``order`` sorts raised hands first, then who is stuck, then by name."""
    card: dict[str, Any] = {"learner": place.person_id, "name": name_of(place.person), "session": None}
    if session is None:
        return card | {"order": (3, 0.0, card["name"])}
    hand = facts.hands.get(session.pk)
    steps = [_step(session, step, facts) for step in session.lab.steps.all()]
    since = _since(session, steps, facts)
    at = next((step for step in steps if not step["done"]), None)
    failures = max((step["failures"] for step in steps), default=0)
    fell = [title for step in steps for title in step["fell"]]
    minutes = int((facts.now - since) / timedelta(minutes=1))
    stuck = at is not None and (minutes >= settings.LABS_STUCK_MINUTES or failures >= FAILURES_OF_STUCK)
    if hand is not None:
        order = (0, hand.raised_at.timestamp(), card["name"])
    else:
        weight = minutes / max(1, settings.LABS_STUCK_MINUTES) + failures / FAILURES_OF_STUCK
        order = (1, -weight, card["name"]) if stuck else (2, 0.0, card["name"])
    return card | {
        "session": str(session.pk),
        "lab": session.lab.title,
        "exam": session.mode == Mode.EXAM,
        "steps": [{key: step[key] for key in ("title", "state")} for step in steps],
        "step": at["title"] if at else "",
        "place": steps.index(at) + 1 if at else len(steps),
        "minutes": minutes,
        "failures": failures,
        "fell": fell,
        "stuck": stuck,
        "hand": {"words": hand.words, "raised_at": hand.raised_at} if hand else None,
        "leave": {None: "", False: "asked", True: "granted"}[facts.leaves.get(session.pk)],
        "order": order,
    }


def _step(session: LabSession, step: LabStep, facts: Facts) -> dict[str, Any]:
    found = [(check, facts.newest.get((session.pk, step.key, check.key))) for check in step.checks.all()]
    failing = [(check, result) for check, result in found if result is not None and not result.passed]
    done = all(result is not None and result.passed for _check, result in found)
    return {
        "key": step.key,
        "title": step.title,
        "done": done,
        "state": "passed" if done and found else "failed" if failing else "unknown",
        "failures": max((result.failures for _check, result in failing), default=0),
        "fell": [check.title for check, _r in failing if (session.pk, step.key, check.key) in facts.passes],
    }


def _since(session: LabSession, steps: list[dict[str, Any]], facts: Facts) -> datetime:
    """Since when the learner is at the first step that is not done: since a step was last seen to pass."""
    done = {step["key"] for step in steps if step["done"]}
    moments = [at for (pk, step, _check), at in facts.passes.items() if pk == session.pk and step in done]
    return max([session.opened_at, *moments])
