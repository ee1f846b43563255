"""Every address of the site is visited by everybody, in both languages, and none answers with an error of ours."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern
from wagtail.models import Page

from community.api import Role, User
from config.demo import world

LANGUAGES = ("zh-hans", "en")
EVERYBODY = (None, *(role.value for role in Role))
# Debugging aids and editors of Wagtail's own, with regular expressions nobody could fill by name.
FOREIGN = ("admin/", "documents/", "i18n/", "api/v1/")


@pytest.fixture(scope="module")
def demo_world(
    django_db_setup: None,
    django_db_blocker: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """The demo world in the database for this module, and gone afterwards."""
    folder = tmp_path_factory.mktemp("world")
    with (
        django_db_blocker.unblock(),  # type: ignore[attr-defined]
        override_settings(VAR_DIR=folder, MEDIA_ROOT=folder / "media"),
        transaction.atomic(),
    ):
        world.load()
        yield
        transaction.set_rollback(True)


def paths(
    patterns: list[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, dict[str, object]]]:
    """Every route as a template with named holes, and its converters."""
    for entry in patterns:
        if isinstance(entry.pattern, LocalePrefixPattern):
            yield from paths(entry.url_patterns, "{language}/")
        elif isinstance(entry.pattern, RegexPattern):
            continue
        elif isinstance(entry, URLResolver):
            route = prefix + str(entry.pattern)
            if not route.startswith(FOREIGN):
                yield from paths(entry.url_patterns, route)
        else:
            yield prefix + str(entry.pattern), dict(entry.pattern.converters)


def values() -> dict[str, list[str]]:
    """What fills a hole, by its name: something that exists, where the demo world has it."""
    return {
        "slug": [
            "load-balancing",
            "cloud-computing-in-practice",
            "cloud-basics-exam",
            "example-university",
            "nobody-has-this",
        ],
        "cohort_id": ["1"],
        "place_id": ["1"],
        "path": ["nothing.png"],
        "list_id": ["1"],
        "bank_slug": ["cloud-basics", "nobody-has-this"],
        "code": ["memory-limit-in-mib"],
        "language": list(LANGUAGES),
        "verb": ["revoke", "suspend", "nothing"],
        "token_id": ["1"],
        "key": ["abc"],
        "uidb36": ["1"],
    }


def filled(route: str, converters: dict[str, object]) -> list[str]:
    """The route with each of its holes filled by the first fitting value, and the first hole by each."""
    known = values()
    found = [route]
    for number, (name, converter) in enumerate(converters.items()):
        kind = type(converter).__name__
        choices = (
            known.get(name) or [str(uuid.UUID(int=7))] if kind == "UUIDConverter" else known.get(name, ["7"])
        )
        marks = (f"<{name}>", *(f"<{word}:{name}>" for word in ("int", "str", "slug", "uuid", "path")))
        for mark in marks:
            found = [
                text.replace(mark, choice)
                for text in found
                for choice in (choices if number == 0 and mark in text else choices[:1])
            ]
    return sorted(set(found))


def addresses() -> list[str]:
    """Every address of ours, both languages, plus every published page of the demo world."""
    result: set[str] = set()
    for route, converters in paths(get_resolver().url_patterns):
        for address in filled(route, converters):
            assert "<" not in address, f"nothing fills {address}"
            if "{language}" in address:
                result |= {"/" + address.replace("{language}", language) for language in LANGUAGES}
            else:
                result.add("/" + address)
    result |= {url for page in Page.objects.live().specific() if (url := page.get_url())}
    return sorted(result)


@pytest.mark.parametrize("who", EVERYBODY, ids=lambda who: who or "anonymous")
def test_no_address_answers_with_an_error_of_ours(demo_world: None, who: str | None):
    visitor = Client(raise_request_exception=False)
    if who:
        visitor.force_login(User.objects.get(username=who), "django.contrib.auth.backends.ModelBackend")
    visited = addresses()
    assert len(visited) > 80
    assert any("/courses/" in address for address in visited)
    answers = {address: visitor.get(address).status_code for address in visited}
    assert {address: status for address, status in answers.items() if status >= 500} == {}
    shown = [address for address, status in answers.items() if status == 200]
    assert len(shown) > 40, answers


@pytest.mark.parametrize("who", ["editor", "instructor", "operator"])
def test_the_administration_answers_those_who_work_in_it(demo_world: None, who: str):
    visitor = Client(raise_request_exception=False)
    visitor.force_login(User.objects.get(username=who), "django.contrib.auth.backends.ModelBackend")
    for page in ("", "pages/", "account/", "reports/locked/", "snippets/"):
        assert visitor.get(f"/admin/{page}").status_code < 500, page
    assert visitor.get("/admin/").status_code == 200


def test_the_api_describes_itself(demo_world: None):
    visitor = Client()
    described = visitor.get("/api/v1/openapi.json").json()
    assert {"/api/v1/labs", "/api/v1/lab-sessions"} <= set(described["paths"])
    assert visitor.get("/api/v1/docs").status_code == 200


def test_every_page_of_the_documentation_that_is_linked_exists():
    root = Path(__file__).resolve().parent.parent.parent
    missing = []
    for page in [root / "README.md", *root.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                missing.append(f"{page.relative_to(root)} -> {target}")
    assert missing == []
