"""What the apps above register with community, and how community asks them: Wagtail hooks with typed answers.

Each hook is a function; community calls it and draws what it returns, so no lower app imports a higher one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language
from wagtail import hooks

from community.standards.references import ClauseReference


@dataclass(frozen=True)
class Panel:
    """A part of the learner's dashboard, drawn by ``template`` with ``context``."""

    order: int
    title: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NavItem:
    """An entry of a menu; ``url`` wins over ``url_name``."""

    order: int
    label: str
    url_name: str = ""
    url: str = ""

    @property
    def href(self) -> str:
        return self.url or reverse(self.url_name)


@dataclass(frozen=True)
class SearchHit:
    title: str
    url: str
    kind: str
    excerpt: str = ""


@dataclass(frozen=True)
class ThreadItem:
    """Something that teaches, checks or attests a clause."""

    kind: str
    title: str
    url: str


@dataclass(frozen=True)
class StatusPart:
    """One part of the site on the status page; ``problem`` is empty while it works."""

    order: int
    name: str
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class RoleGrant:
    """The group of ``role`` (a value of ``Role``) holds ``permission``, written ``app.codename``."""

    role: str
    permission: str


def _answers(hook: str, *args: object) -> list[Any]:
    """What every function registered under ``hook`` returned; one thing, several or None each."""
    found: list[Any] = []
    for function in hooks.get_hooks(hook):
        answer = function(*args)
        if answer is None:
            continue
        found.extend(answer if isinstance(answer, Iterable) else [answer])
    return found


def dashboard_panels(request: HttpRequest) -> list[Panel]:
    return sorted(_answers("dashboard_panels", request), key=lambda panel: panel.order)


def navigation_items(request: HttpRequest) -> list[NavItem]:
    return sorted(_answers("navigation_items", request), key=lambda item: item.order)


def account_items(request: HttpRequest) -> list[NavItem]:
    return sorted(_answers("account_items", request), key=lambda item: item.order)


def footer_items(request: HttpRequest) -> list[NavItem]:
    return sorted(_answers("footer_items", request), key=lambda item: item.order)


def search_hits(query: str, language: str) -> list[SearchHit]:
    return _answers("search_providers", query, language)


def clause_threads(references: Sequence[ClauseReference]) -> dict[ClauseReference, list[ThreadItem]]:
    """What teaches, checks or attests each clause; an answer is kept for COMMUNITY_THREADS_SECONDS."""
    keep_s = settings.COMMUNITY_THREADS_SECONDS
    keys = {reference: f"clause-threads:{get_language()}:{reference}" for reference in references}
    kept = cache.get_many(keys.values()) if keep_s else {}
    asked = {}
    for reference, key in keys.items():
        if key not in kept:
            items = _answers("clause_threads", reference)
            asked[key] = [ThreadItem(str(item.kind), str(item.title), item.url) for item in items]
    if asked and keep_s:
        cache.set_many(asked, keep_s)
    kept |= asked
    return {reference: kept[key] for reference, key in keys.items()}


def status_parts(request: HttpRequest) -> list[StatusPart]:
    return sorted(_answers("status_parts", request), key=lambda part: part.order)


def role_grants() -> list[RoleGrant]:
    return _answers("role_grants")
