import datetime

import pytest
from django.test import Client
from wagtail.models import Page

from community.api import NewsPage, place_page
from community.models.pages import NEWS_PER_PAGE
from tests.community.conftest import SmallSite


@pytest.fixture
def much_news(site: SmallSite) -> None:
    for number in range(NEWS_PER_PAGE + 3):
        page = NewsPage(
            title=f"News {number:02}",
            slug=f"news-{number}",
            summary="Summary.",
            published_on=datetime.date(2020, 1, 1) + datetime.timedelta(days=number),
        )
        place_page(site.news.en, page)


def titles(client: Client, path: str) -> list[str]:
    return [piece.title for piece in client.get(path).context["page_of_news"]]


def test_news_is_listed_newest_first_and_paged(much_news: None, client: Client) -> None:
    first, second = titles(client, "/en/news/"), titles(client, "/en/news/?page=2")
    assert len(first) == NEWS_PER_PAGE
    assert first[1] == f"News {NEWS_PER_PAGE + 2:02}"
    assert second[-1] == "News 00"


def test_news_is_searched_by_any_part_of_it(site: SmallSite, client: Client) -> None:
    assert titles(client, "/zh-hans/news/?q=两个月") == ["草案征求意见"]


def test_news_that_is_not_found_says_so_and_keeps_the_query(site: SmallSite, client: Client) -> None:
    page = client.get("/en/news/?q=zzz").content.decode()
    assert "No news contains" in page
    assert 'value="zzz"' in page


def test_a_site_without_news_says_what_will_be_here(site: SmallSite, client: Client) -> None:
    site.piece.en.unpublish()
    assert "News of the alliance will be here" in client.get("/en/news/").content.decode()


def test_a_site_without_drafts_says_what_will_be_here(site: SmallSite, client: Client) -> None:
    site.draft.en.unpublish()
    assert (
        "Drafts and published standards will be listed here" in client.get("/en/standards/").content.decode()
    )


@pytest.mark.parametrize(
    ("language", "words"), [("zh-hans", "可核验的云计算"), ("en", "Cloud computing you can verify")]
)
def test_the_home_page_says_what_its_editors_wrote(
    site: SmallSite, client: Client, language: str, words: str
) -> None:
    assert f"<h1>{words}</h1>" in client.get(f"/{language}/").content.decode()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_link_by_address_leads_into_the_readers_language(
    site: SmallSite, client: Client, language: str
) -> None:
    assert f'href="/{language}/standards/"' in client.get(f"/{language}/").content.decode()


def test_the_list_of_news_has_a_query_budget(
    much_news: None, client: Client, django_assert_max_num_queries: object
) -> None:
    client.get("/en/news/")
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        client.get("/en/news/")


def test_every_page_says_where_it_is(site: SmallSite, client: Client) -> None:
    crumbs = client.get("/en/standards/t-9-2026/").context["breadcrumbs"]
    assert [crumb.title for crumb in crumbs] == ["Yunlian", "Standards", "Sandbox requirements"]


def test_the_tree_of_pages_is_sound(site: SmallSite) -> None:
    assert Page.find_problems() == ([], [], [], [], [])
