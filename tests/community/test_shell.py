import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError
from django.test import Client, override_settings
from wagtail import hooks

from community.api import NavItem, Panel, StatusPart
from community.views import machine
from tests.community.conftest import SmallSite

PUBLIC = ("", "news/", "news/draft/", "about/", "standards/", "standards/t-9-2026/", "search/", "status/")
LANGUAGES = ("zh-hans", "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PUBLIC)
def test_every_public_page_opens_in_both_languages(
    site: SmallSite, client: Client, path: str, language: str
) -> None:
    assert client.get(f"/{language}/{path}").status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", [*PUBLIC, "dashboard/", "account/"])
def test_every_page_opens_for_a_trainee(trainee_client: Client, path: str, language: str) -> None:
    assert trainee_client.get(f"/{language}/{path}").status_code == 200


def switch(client: Client, path: str) -> str:
    """Where the other language's link on ``path`` leads."""
    shown = client.get(path).context["alternates"]
    return next(alternate.url for alternate in shown if not alternate.current)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("/zh-hans/", "/en/"),
        ("/en/standards/t-9-2026/", "/zh-hans/standards/t-9-2026/"),
        ("/zh-hans/news/?q=%E8%8D%89&page=2", "/en/news/?q=%E8%8D%89&page=2"),
        ("/en/search/?q=a%26b", "/zh-hans/search/?q=a%26b"),
        ("/zh-hans/accounts/login/?next=/zh-hans/account/", "/en/accounts/login/?next=/zh-hans/account/"),
    ],
)
def test_switching_language_keeps_the_page_and_its_query(
    site: SmallSite, client: Client, here: str, there: str
) -> None:
    assert switch(client, here) == there


def test_switching_twice_comes_back(site: SmallSite, client: Client) -> None:
    here = "/en/standards/t-9-2026/?from=search"
    assert switch(client, switch(client, here)) == here


def test_a_page_without_translation_switches_to_its_nearest_translated_ancestor(
    site: SmallSite, client: Client
) -> None:
    site.piece.en.unpublish()
    assert switch(client, "/zh-hans/news/draft/") == "/en/news/"


@pytest.mark.parametrize(("accepts", "home"), [("en", "/en/"), ("zh-CN", "/zh-hans/"), ("fr", "/zh-hans/")])
def test_the_bare_address_leads_home_in_the_readers_language(
    site: SmallSite, client: Client, accepts: str, home: str
) -> None:
    assert client.get("/", headers={"accept-language": accepts}).url == home  # type: ignore[attr-defined]


def test_a_missing_page_is_named_in_our_frame(site: SmallSite, client: Client) -> None:
    answer = client.get("/en/no/such/page/")
    assert answer.status_code == 404
    assert "There is no page at this address" in answer.content.decode()
    assert 'class="site-header"' in answer.content.decode()


def test_a_refused_form_says_what_to_do(site: SmallSite) -> None:
    answer = Client(enforce_csrf_checks=True).post("/en/theme/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "Please send it again" in answer.content.decode()


def test_a_broken_page_answers_in_both_languages_without_the_database(client: Client) -> None:
    def broken(request: object) -> None:
        raise RuntimeError

    client.raise_request_exception = False
    with hooks.register_temporarily("footer_items", broken):
        answer = client.get("/healthz-not/")
    assert answer.status_code == 500
    assert "网站出错了" in answer.content.decode()
    assert "Something broke on our side" in answer.content.decode()


@pytest.mark.parametrize(
    "path", ["/en/", "/zh-hans/standards/t-9-2026/", "/en/accounts/login/", "/en/nothing/"]
)
def test_the_content_policy_allows_no_inline_script_or_style(
    site: SmallSite, client: Client, path: str
) -> None:
    answer = client.get(path)
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert " style=" not in answer.content.decode()
    assert "<script>" not in answer.content.decode()


def test_nothing_is_fetched_from_another_origin(site: SmallSite, client: Client) -> None:
    page = client.get("/en/standards/t-9-2026/").content.decode()
    assert "//cdn" not in page
    assert 'src="http' not in page


def test_the_chosen_theme_is_in_the_first_byte_of_the_next_page(site: SmallSite, client: Client) -> None:
    answer = client.post("/en/theme/", {"theme": "dark", "next": "/en/news/"})
    assert answer.url == "/en/news/"  # type: ignore[attr-defined]
    assert 'data-theme="dark"' in client.get("/en/news/").content.decode()


def test_the_systems_theme_can_be_chosen_again(site: SmallSite, client: Client) -> None:
    client.post("/en/theme/", {"theme": "dark"})
    client.post("/en/theme/", {"theme": "system"})
    assert "data-theme" not in client.get("/en/news/").content.decode().split("<head>")[0]


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_choosing_a_theme_never_leads_to_another_site(site: SmallSite, client: Client, target: str) -> None:
    assert client.post("/en/theme/", {"theme": "dark", "next": target}).url == "/en/"  # type: ignore[attr-defined]


def test_an_unknown_theme_in_the_cookie_is_ignored(site: SmallSite, client: Client) -> None:
    client.cookies["theme"] = '"><script>'
    assert "<script>" not in client.get("/en/").content.decode()


def test_health_says_ok(db: None, client: Client) -> None:
    assert client.get("/healthz/").json()["status"] == "ok"


def test_health_is_503_while_the_database_does_not_answer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dead:
        def cursor(self) -> None:
            raise DatabaseError

    monkeypatch.setattr(machine, "connection", Dead())
    answer = client.get("/healthz/")
    assert answer.status_code == 503
    assert answer.json()["database"] == "failing"


def test_the_status_page_names_a_broken_part(site: SmallSite, client: Client) -> None:
    part = StatusPart(5, "Engine", "does not answer", "Start it.")
    with hooks.register_temporarily("status_parts", lambda request: part):
        page = client.get("/en/status/").content.decode()
    assert "does not answer" in page


def test_robots_keeps_out_of_private_places(client: Client) -> None:
    text = client.get("/robots.txt").content.decode()
    assert "Disallow: /admin/" in text
    assert "Disallow: /en/account/" in text


def test_the_icon_is_our_own_drawing(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert answer["Content-Type"] == "image/svg+xml"


@pytest.mark.parametrize(
    ("name", "shown"), [("a.png", True), ("a.svg", False), ("a.html", False), ("a.pdf", False)]
)
def test_an_upload_never_runs_as_a_page_of_ours(
    site: SmallSite, client: Client, name: str, shown: bool
) -> None:
    kept = default_storage.save(name, ContentFile(b"<script>alert(1)</script>"))
    answer = client.get(f"{settings.MEDIA_URL}{kept}")
    assert b"alert" in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    default_storage.delete(kept)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer.get("Content-Disposition", "inline").startswith("inline" if shown else "attachment")


@pytest.mark.parametrize("path", ["../db.sqlite3", "..%2f..%2fetc/passwd", "%00", "nothing.png", ""])
def test_media_serves_nothing_outside_its_folder(site: SmallSite, client: Client, path: str) -> None:
    assert client.get(f"/media/{path}").status_code in {301, 302, 404}


def test_the_menu_shows_what_is_registered_in_its_order(site: SmallSite, client: Client) -> None:
    with hooks.register_temporarily(
        "navigation_items", lambda request: [NavItem(99, "Last", url="/z/"), NavItem(1, "First", url="/a/")]
    ):
        labels = [link.label for link in client.get("/en/").context["navigation"]]
    assert (labels[0], labels[-1]) == ("First", "Last")


def test_the_menu_marks_where_the_reader_is(site: SmallSite, client: Client) -> None:
    shown = client.get("/en/standards/t-9-2026/").context["navigation"]
    assert [link.url for link in shown if link.current] == ["/en/standards/"]


def test_the_dashboard_asks_every_app_for_its_panel_in_order(trainee_client: Client) -> None:
    panel = Panel(-1, "Mine", "components/empty.html", {})
    with hooks.register_temporarily("dashboard_panels", lambda request: panel):
        shown = trainee_client.get("/en/dashboard/").context["panels"]
    assert shown[0] == panel


def test_only_people_with_access_see_the_way_into_the_administration(trainee_client: Client) -> None:
    assert "/admin/" not in trainee_client.get("/en/account/").content.decode()


@pytest.mark.parametrize("path", ["/en/", "/en/news/", "/en/standards/", "/en/search/"])
def test_pages_have_a_query_budget(
    site: SmallSite, client: Client, path: str, django_assert_max_num_queries: object
) -> None:
    client.get(path)
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        client.get(path)


@override_settings(PUBLIC_URL="https://yunlian.example")
def test_search_engines_are_told_of_the_other_language(site: SmallSite, client: Client) -> None:
    page = client.get("/en/news/").content.decode()
    assert '<link rel="alternate" hreflang="zh-Hans" href="https://yunlian.example/zh-hans/news/">' in page
