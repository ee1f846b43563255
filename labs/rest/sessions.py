"""Labs, sessions of them and their checks."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema, Status

from labs import bodies, queueing, sessions
from labs.metering import quotas
from labs.metering.limits import body_of
from labs.models import CheckRequest, Lab, LabSession, LabStep
from labs.notices import BROKER_AWAY, group_of
from labs.rest.answers import REFUSED, Lang, Problem, mine, speaking

router = Router(tags=["labs"])
LOOK_AGAIN_S = 2.0


class SizeBody(Schema):
    cpus: float
    memory_mib: int
    cpus_range: list[float] = Field(description="Least and most that the lab allows.")
    memory_mib_range: list[int]
    can_change: bool
    changing: bool = Field(description="Whether another size was asked for and is not there yet.")
    problem: str = Field(
        description="Why it kept its size when another was last asked for; empty when it did not."
    )


class NodeBody(Schema):
    name: str
    state: str = Field(description="The sandbox's state, or `restarting`.")
    size: SizeBody
    terminal: str = Field(description="Path of the node's first terminal; see docs/terminal-protocol.md.")


class CheckBody(Schema):
    id: str
    title: str
    node: str
    points: int
    passed: bool | None = Field(description="Null while it has never been checked.")
    reason: str
    hint: str = Field(description="The hints to be read, one a line.")
    hint_next: int = Field(
        description="The number of the next hint that may be opened; 0 when there is none."
    )
    hint_cost: int = Field(description="The points that opening it takes.")
    passed_before_at: datetime | None = Field(description="When it last passed, while it fails now.")
    output: str
    checked_at: datetime | None
    duration_ms: int | None


class StepBody(Schema):
    id: str
    title: str
    checking: bool
    checks: list[CheckBody]


class HomesBody(Schema):
    saving: bool
    putting_back: bool = Field(description="Whether kept files are on their way into the homes.")
    problem: str = Field(description="What became of the last wish of the kind, when it failed.")
    can_undo: list[str] = Field(description="Nodes whose last restart can be undone.")


class QueueBody(Schema):
    position: int = Field(description="1 is next.")
    of: int = Field(description="How many wait.")
    expected_s: tuple[int, int] | None = Field(
        description="After how many seconds the turn comes, if others leave early and if they stay; null: unknown."
    )
    why: str = Field(
        description="What keeps everybody out just now; empty when it is only that others are in."
    )
    kept_s: int = Field(description="How long the place is kept when nobody looks at the session.")


class PriceBody(Schema):
    currency: str
    so_far: str = Field(description="What the session has cost until now, rounded, with its currency's sign.")
    per_hour: str = Field(description="What it costs in an hour as it is now.")
    amount: str = Field(description="`so_far` to the millionth, as a decimal.")
    hourly: str = Field(description="`per_hour` to the millionth, as a decimal.")


class AllowanceBody(Schema):
    kind: str = Field(description="sandboxes, cpu or memory.")
    title: str
    of: str = Field(description="The class or organisation that shares it; empty when it is yours alone.")
    most: int = Field(description="Labs at once, processor seconds or MiB-seconds.")
    used: int
    left: int
    percent: int
    period: str | None = Field(description="day, week or month; null for labs at once.")
    renews_at: datetime | None = Field(description="When the amount is given anew.")
    most_words: str
    left_words: str


class SessionBody(Schema):
    id: str
    lab: str
    title: str
    state: str = Field(description="queued, requested, provisioning, ready, suspended, stopping or stopped.")
    reason: str = Field(description="Why it ended; empty while it lives.")
    waking: bool = Field(description="Whether suspended machines are on their way back.")
    message: str
    queue: QueueBody | None = Field(description="While the state is `queued`.")
    opened_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    passed_at: datetime | None
    now: datetime = Field(description="The server's clock, to count down by.")
    extensions_left: int
    homes: HomesBody
    finishing: bool
    mode: str = Field(description="practice, or exam: without hints and help.")
    hints_cost: int = Field(description="The points that opened hints have taken so far.")
    price: PriceBody | None = Field(description="Null where nothing costs.")
    allowances: list[AllowanceBody] = Field(description="Amounts that are limited, the tightest first.")
    points: int
    points_of: int
    nodes: list[NodeBody]
    steps: list[StepBody]


class StepCheckBody(CheckBody):
    step: str


class ResultBody(Schema):
    id: str
    step: str | None = Field(description="Null for a finish.")
    state: str = Field(description="`done`, or `running` with status 202: watch the session.")
    passed: bool | None
    problem: str
    failing: list[str]
    checks: list[StepCheckBody]


class CheckedBody(SessionBody):
    result: ResultBody


class LabBody(Schema):
    slug: str
    title: str
    summary: str
    level: str
    minutes: int
    nodes: list[str]
    session: str | None = Field(description="The id of your open session of this lab.")
    passed: bool


class Wish(Schema):
    lab: str = Field(max_length=60, description="The slug of a lab.")


@router.get("/labs", response={200: list[LabBody], 401: Problem}, summary="The labs on offer")
def list_labs(request: HttpRequest, q: str = Query("", max_length=100), lang: str = Lang) -> Any:
    """Every published lab, or those that match all words of `q`."""
    learner = request.auth  # type: ignore[attr-defined]
    mine_now = LabSession.objects.of(learner)
    running = dict(mine_now.open().values_list("lab_id", "pk"))
    passed = set(mine_now.passed().values_list("lab_id", flat=True))
    with speaking(lang):
        return [
            {
                "slug": lab.slug,
                "title": lab.title,
                "summary": lab.summary,
                "level": lab.level,
                "minutes": lab.minutes,
                "nodes": lab.node_names,
                "session": str(running[lab.pk]) if lab.pk in running else None,
                "passed": lab.pk in passed,
            }
            for lab in Lab.objects.published().matching(q)
        ]


@router.get("/lab-allowances", response={200: list[AllowanceBody], 401: Problem}, summary="What is left")
def allowances(request: HttpRequest, lang: str = Lang) -> Any:
    """Every limit that holds for you, the tightest first; no lab starts while one of them is used up."""
    with speaking(lang):
        return [body_of(limit) for limit in quotas.limits_of(request.auth.pk)]  # type: ignore[attr-defined]


@router.post("/lab-sessions", response={200: SessionBody, 201: SessionBody, **REFUSED}, summary="Start a lab")
def start(request: HttpRequest, wish: Wish, lang: str = Lang) -> Any:
    """Opens a session of the lab and asks for its machines (201); asking twice gives the same session (200).

    Watch `state` until it is `ready`, here or on the session's websocket; while there is no room it is `queued`.
    """
    with speaking(lang):
        lab = get_object_or_404(bodies.told_labs().published(), slug=wish.lab)
        session = sessions.start_lab(request.auth, lab)  # type: ignore[attr-defined]
        return Status(201 if session.is_new else 200, bodies.session_body(session, session.claimed))


@router.get("/lab-sessions/{uuid:session_id}", response={200: SessionBody, **REFUSED}, summary="One session")
def show(request: HttpRequest, session_id: UUID, lang: str = Lang) -> Any:
    """How the session, its machines and its checks stand."""
    with speaking(lang):
        session = mine(request, session_id)
        if session.waiting_place is not None:
            queueing.seen(session.pk)
        return bodies.session_body(session)


@router.delete("/lab-sessions/{uuid:session_id}", response={200: SessionBody, **REFUSED}, summary="Abandon")
def abandon(request: HttpRequest, session_id: UUID, lang: str = Lang) -> Any:
    """Ends the session without a pass and removes its machines. Repeating changes nothing."""
    with speaking(lang):
        return bodies.session_body(sessions.abandon(mine(request, session_id)))


@router.post(
    "/lab-sessions/{uuid:session_id}/extend", response={200: SessionBody, **REFUSED}, summary="More time"
)
def extend(request: HttpRequest, session_id: UUID, lang: str = Lang) -> Any:
    """Moves `expires_at` on; 409 when `extensions_left` is 0."""
    with speaking(lang):
        return bodies.session_body(sessions.extend_time(mine(request, session_id)))


@router.post(
    "/lab-sessions/{uuid:session_id}/nodes/{slug:node}/restart",
    response={202: SessionBody, **REFUSED},
    summary="Restart a node",
)
def restart(request: HttpRequest, session_id: UUID, node: str, lang: str = Lang) -> Any:
    """Asks for a fresh start of the node: its home, processes and terminals are lost."""
    with speaking(lang):
        session = mine(request, session_id)
        sessions.restart_node(session, node)
        return Status(202, bodies.session_body(session))


@router.post(
    "/lab-sessions/{uuid:session_id}/checks/{slug:step}",
    response={200: CheckedBody, 202: CheckedBody, **REFUSED},
    summary="Check a step",
)
async def check(request: HttpRequest, session_id: UUID, step: str, lang: str = Lang) -> Any:
    """Runs the step's checks; 202 when they are not done within 30 s, the result then comes to the session."""
    return await _asked(request, session_id, step, lang)


@router.post(
    "/lab-sessions/{uuid:session_id}/finish",
    response={200: CheckedBody, 202: CheckedBody, **REFUSED},
    summary="Finish the lab",
)
async def finish(request: HttpRequest, session_id: UUID, lang: str = Lang) -> Any:
    """Runs all checks again; only if every one passes, the lab is passed and the session over.

    Otherwise the session stays open and `result.failing` names the checks that fail.
    """
    return await _asked(request, session_id, "", lang)


async def _asked(request: HttpRequest, session_id: UUID, step: str, lang: str) -> Any:
    layer = get_channel_layer()
    # Listening begins before asking, so that no answer can be missed.
    channel = await _listen(layer, session_id)
    try:
        asked = await sync_to_async(_ask)(request, session_id, step, lang)
        until = asyncio.get_running_loop().time() + settings.LABS_CHECK_WAIT_SECONDS
        while (left := until - asyncio.get_running_loop().time()) > 0:
            if await CheckRequest.objects.filter(pk=asked.pk, answered_at__isnull=False).aexists():
                break
            await _nudge(layer, channel, min(left, LOOK_AGAIN_S))
    finally:
        with suppress(*BROKER_AWAY):
            await layer.group_discard(group_of(session_id), channel)
    return await sync_to_async(_answer)(asked.pk, lang)


async def _listen(layer: Any, session_id: UUID) -> str:
    """A channel that hears of the session; deaf while the broker is away, as the row tells everything anyway."""
    channel: str = await layer.new_channel()
    with suppress(*BROKER_AWAY):
        await layer.group_add(group_of(session_id), channel)
    return channel


async def _nudge(layer: Any, channel: str, patience_s: float) -> None:
    """Returns at the next news of the session, after ``patience_s`` at the latest."""
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(patience_s):
            await layer.receive(channel)
    except TimeoutError:
        return
    except BROKER_AWAY:
        await asyncio.sleep(max(0.0, began + patience_s - asyncio.get_running_loop().time()))


def _ask(request: HttpRequest, session_id: UUID, step: str, lang: str) -> CheckRequest:
    with speaking(lang):
        session = mine(request, session_id)
        if not step:
            return sessions.finish_lab(session)
        return sessions.check_work(session, get_object_or_404(LabStep, lab=session.lab, key=step))


def _answer(request_id: UUID, lang: str) -> Status:
    with speaking(lang):
        asked = CheckRequest.objects.select_related("session__lab").get(pk=request_id)
        body = bodies.session_body(asked.session)
        body["result"] = bodies.result_body(asked, body)
        return Status(200 if asked.answered_at else 202, body)
