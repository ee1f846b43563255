"""A small site in both languages, built once per module and undone after it, and people of every role."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from wagtail.models import Page

from community.api import (
    DraftPage,
    HomePage,
    NewsIndexPage,
    NewsPage,
    Role,
    StandardsIndexPage,
    TextPage,
    User,
    assign,
    ensure_roles,
    place_home,
    place_page,
    place_translation,
)

PASSWORD = "correct horse battery staple"
CLAUSES = (
    ("scope", 1, "范围", "Scope", "本文件规定了隔离要求。", "This document specifies isolation."),
    ("isolation", 1, "隔离", "Isolation", "", ""),
    ("isolation-network", 2, "网络隔离", "Network isolation", "私有网段应不可路由。", "Subnets are private."),
    ("isolation-process", 2, "进程隔离", "Process isolation", "命名空间应独立。", "Namespaces are separate."),
)


@dataclass(frozen=True)
class Pair:
    zh: Any
    en: Any


@dataclass(frozen=True)
class SmallSite:
    home: Pair
    news: Pair
    piece: Pair
    text: Pair
    standards: Pair
    draft: Pair


def block(kind: str, name: str, value: object) -> dict[str, object]:
    return {"type": kind, "id": name, "value": value}


def said(language: str, zh: str, en: str) -> str:
    return zh if language == "zh" else en


def home_in(language: str) -> HomePage:
    link = {"label": said(language, "看标准", "See the standards"), "page": None, "path": "/standards/"}
    return HomePage(
        title=said(language, "云联", "Yunlian"),
        headline=said(language, "可核验的云计算", "Cloud computing you can verify"),
        lede=said(language, "标准、课程与实验。", "Standards, courses and labs."),
        actions=[block("link", "action", link)],
        body=[block("text", "text", said(language, "<p>欢迎。</p>", "<p>Welcome.</p>"))],
    )


def draft_in(language: str) -> DraftPage:
    return DraftPage(
        title=said(language, "沙箱要求", "Sandbox requirements"),
        slug="t-9-2026",
        standard_key="t-9",
        edition="2026",
        abstract=said(language, "摘要。", "Abstract."),
        clauses=[
            block(
                "clause",
                f"block-{clause}",
                {
                    "clause": clause,
                    "level": str(level),
                    "kind": "normative",
                    "title": said(language, zh, en),
                    "body": f"<p>{said(language, zh_body, en_body)}</p>" if zh_body else "",
                },
            )
            for clause, level, zh, en, zh_body, en_body in CLAUSES
        ],
    )


def pair(parent: Page, zh: Page, en: Page) -> Pair:
    page, _ = place_page(parent, zh)
    return Pair(page, place_translation(page, en, "en"))


def build() -> SmallSite:
    home, _ = place_home(home_in("zh"))
    homes = Pair(home, place_translation(home, home_in("en"), "en"))
    news = pair(home, NewsIndexPage(title="新闻", slug="news"), NewsIndexPage(title="News", slug="news"))
    piece = pair(
        news.zh,
        NewsPage(title="草案征求意见", slug="draft", summary="为期两个月。"),
        NewsPage(title="Draft open for comments", slug="draft", summary="For two months."),
    )
    text = pair(home, TextPage(title="关于", slug="about"), TextPage(title="About", slug="about"))
    standards = pair(
        home,
        StandardsIndexPage(title="标准", slug="standards"),
        StandardsIndexPage(title="Standards", slug="standards"),
    )
    draft = pair(standards.zh, draft_in("zh"), draft_in("en"))
    ensure_roles()
    return SmallSite(homes, news, piece, text, standards, draft)


@pytest.fixture(scope="module")
def module_site(django_db_setup: None, django_db_blocker: Any) -> Iterator[SmallSite]:
    with django_db_blocker.unblock():
        cache.clear()
        with transaction.atomic():
            yield build()
            transaction.set_rollback(True)
        cache.clear()


@pytest.fixture
def site(module_site: SmallSite, db: None) -> SmallSite:
    """The small site; what a test changes is undone after it."""
    cache.clear()
    return module_site


def person_with(role: Role, username: str = "") -> User:
    name = username or role.value
    person = User.objects.create_user(name, f"{name}@example.org", PASSWORD, printed_name=f"Name of {name}")
    assign(person, role)
    return person


def signed_in_as(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def trainee(site: SmallSite) -> User:
    return person_with(Role.TRAINEE)


@pytest.fixture
def trainee_client(trainee: User) -> Client:
    return signed_in_as(trainee)
