"""Operators' pages: what is wrong, the numbers, every sandbox, and what operators did."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from community.api import User
from labs.context import query_of
from labs.forms import StopReason
from labs.lifecycle import State
from labs.models import Host, IsolationReport, OperatorAct, Sandbox
from labs.operating import acts, board, collector, troubles

PER_PAGE = 25
ON_THE_BOARD = 10


def operators_only(view: Any) -> Any:
    """Signed in, and allowed to run the sandbox cloud."""
    return login_required(permission_required("labs.operate", raise_exception=True)(view))


@never_cache
@operators_only
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What is wrong now, then the numbers, then the sandboxes that live."""
    cpus, memory = board.shares()
    live = board.sandboxes(live=True)
    return render(
        request,
        "labs/operating/overview.html",
        {
            "troubles": troubles.troubles(),
            "states": [
                {"label": State(name).label, "count": count} for name, count in board.counts().items()
            ],
            "cpus": cpus,
            "memory": memory,
            "today": board.today(),
            "host": Host.objects.filter(pk=1).first(),
            "reports": IsolationReport.objects.newest(),
            "pool": board.pool(),
            "queue": board.queue()[:ON_THE_BOARD],
            "queue_length": board.queue().count(),
            "sandboxes": board.with_costs(live[:ON_THE_BOARD]),
            "live_count": live.count(),
            "acts": OperatorAct.objects.all()[:5],
            "breadcrumbs": trail(),
        },
    )


@operators_only
@require_POST
def host(request: HttpRequest) -> HttpResponse:
    """The host is closed to new labs, or opened again."""
    assert isinstance(request.user, User)  # noqa: S101  (login_required)
    words = request.POST.get("words", "").strip()[:300]
    if request.POST.get("verb") == OperatorAct.Verb.DRAIN:
        acts.drain_host(request.user, words)
        messages.success(request, _("The host takes no new labs; those that run go on."))
    else:
        acts.open_host(request.user, words)
        messages.success(request, _("The host takes new labs again."))
    return redirect("labs:operations")


@never_cache
@operators_only
@require_safe
def sandboxes(request: HttpRequest) -> HttpResponse:
    """Live sandboxes, or with ``?ended=1`` the history, searched and a page at a time."""
    words, ended = request.GET.get("q", "")[:200], request.GET.get("ended") == "1"
    page = page_of(request, board.sandboxes(live=not ended, words=words))
    title = _("Ended sandboxes") if ended else _("Live sandboxes")
    return render(
        request,
        "labs/operating/sandboxes.html",
        {
            "title": title,
            "page": page,
            "sandboxes": board.with_costs(page.object_list),
            "query": words,
            "ended": ended,
            "kept_query": query_of({"q": words, "ended": "1" if ended else ""}),
            "breadcrumbs": trail(title),
        },
    )


@never_cache
@operators_only
@require_http_methods(["GET", "HEAD", "POST"])
def sandbox(request: HttpRequest, ref: str) -> HttpResponse:
    """One sandbox: whose it is, its machines, its history, and the way to stop it."""
    assert isinstance(request.user, User)  # noqa: S101  (login_required)
    found = get_object_or_404(Sandbox.objects.select_related("session__learner", "session__lab"), ref=ref)
    form = StopReason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if acts.stop_sandbox(request.user, found, form.cleaned_data["words"]):
            messages.success(
                request, _("The sandbox is being stopped; its learner is told that an operator did it.")
            )
        else:
            messages.info(request, _("The sandbox had been stopped already; nothing was changed."))
        return redirect("labs:operating-sandbox", ref)
    return render(
        request,
        "labs/operating/sandbox.html",
        {
            "sandbox": found,
            "nodes": found.nodes.all(),
            "cost": next(iter(board.with_costs([found])))["cost"],
            "events": found.events.order_by("-pk")[:200],
            "can_be_stopped": found.state not in {State.STOPPING, State.STOPPED},
            "form": form,
            "breadcrumbs": trail(_("Live sandboxes"), found.ref),
        },
        status=422 if form.errors else 200,
    )


@never_cache
@operators_only
@require_safe
def log_of_acts(request: HttpRequest) -> HttpResponse:
    """What operators did, the newest first, searched and a page at a time."""
    words = request.GET.get("q", "")[:200]
    return render(
        request,
        "labs/operating/acts.html",
        {
            "page": page_of(request, OperatorAct.objects.matching(words)),
            "query": words,
            "kept_query": query_of({"q": words}),
            "breadcrumbs": trail(_("What operators did")),
        },
    )


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything measured, in Prometheus' text format, for whoever brings the token or is an operator."""
    brought = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    token = settings.LABS_METRICS_TOKEN
    by_token = bool(token) and constant_time_compare(brought, token)
    if not by_token and not request.user.has_perm("labs.operate"):
        return HttpResponseForbidden(
            "Metrics are for operators: send LABS_METRICS_TOKEN as a bearer token, or sign in as one.\n",
            content_type="text/plain; charset=utf-8",
        )
    return HttpResponse(collector.exposition(), content_type=CONTENT_TYPE_LATEST)


def page_of(request: HttpRequest, rows: QuerySet[Any]) -> Page:
    """The page of ``rows`` that was asked for, the nearest when there is no such page."""
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))


def trail(*titles: str) -> list[dict[str, str]]:
    """The way from the operators' page down to the page with the last title."""
    if not titles:
        return [{"title": _("Operations")}]
    steps = [{"title": _("Operations"), "url": reverse("labs:operations")}]
    if len(titles) > 1:
        steps.append({"title": titles[0], "url": reverse("labs:operating-sandboxes")})
    return [*steps, {"title": titles[-1]}]
