import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wagtail import hooks

from community.api import SearchHit, excerpt, tidy
from tests.community.conftest import SmallSite

HOSTILE = [
    '"',
    "'",
    "%",
    "_",
    "\\",
    "*",
    "(",
    '"a',
    "a OR b",
    "NEAR/",
    "\x00",
    "a\x00b",
    "\ud800",
    "🧨",
    "' OR 1=1 --",
]


def found(client: Client, query: str, language: str = "zh-hans") -> list[str]:
    answer = client.get(f"/{language}/search/", {"q": query})
    assert answer.status_code == 200
    return [hit.title for hit in answer.context["page"]]


@pytest.mark.parametrize("query", ["网段", "私有网段应不可", "可路由"])
def test_any_part_of_a_chinese_clause_is_found(site: SmallSite, client: Client, query: str) -> None:
    assert found(client, query) == ["T-9:2026 2.1 网络隔离"]


def test_a_clause_is_found_at_its_anchor(site: SmallSite, client: Client) -> None:
    answer = client.get("/en/search/", {"q": "subnets"})
    assert [hit.url for hit in answer.context["page"]] == ["/en/standards/t-9-2026/#isolation-network"]


def test_letters_are_found_in_either_case(site: SmallSite, client: Client) -> None:
    assert found(client, "NAMESPACES", "en") == ["T-9:2026 2.2 Process isolation"]


def test_a_page_in_another_language_is_not_found(site: SmallSite, client: Client) -> None:
    assert found(client, "私有网段", "en") == []


def test_an_unpublished_page_is_not_found(site: SmallSite, client: Client) -> None:
    site.piece.zh.unpublish()
    assert found(client, "草案征求意见") == []


def test_text_saved_but_not_published_is_not_found(site: SmallSite, client: Client) -> None:
    site.text.zh.introduction = "尚未公开的句子"
    site.text.zh.save_revision()
    assert found(client, "尚未公开") == []


@pytest.mark.parametrize("query", HOSTILE)
@pytest.mark.parametrize("path", ["/en/search/", "/en/news/"])
def test_no_query_breaks_a_search(site: SmallSite, client: Client, path: str, query: str) -> None:
    address = f"{path}?q=" + "".join(f"%{byte:02x}" for byte in query.encode("utf-8", "surrogatepass"))
    assert client.get(address).status_code == 200


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(st.characters(codec="utf-8"), max_size=250))
def test_no_text_at_all_breaks_the_search(site: SmallSite, client: Client, query: str) -> None:
    assert client.get("/zh-hans/search/", {"q": query}).status_code == 200


def test_a_percent_sign_is_only_a_percent_sign(site: SmallSite, client: Client) -> None:
    assert found(client, "%") == []


def test_what_was_searched_is_shown_escaped(site: SmallSite, client: Client) -> None:
    page = client.get("/en/search/", {"q": "<script>x</script>"}).content.decode()
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_hits_of_other_apps_stand_beside_ours_titles_first(site: SmallSite, client: Client) -> None:
    def provider(query: str, language: str) -> list[SearchHit]:
        return [SearchHit("Elsewhere", "/x/", "Lab"), SearchHit("Subnets at work", "/y/", "Lab")]

    with hooks.register_temporarily("search_providers", provider):
        titles = found(client, "subnets", "en")
    assert titles == ["Subnets at work", "T-9:2026 2.1 Network isolation", "Elsewhere"]


def test_long_results_are_paged_and_the_query_kept(site: SmallSite, client: Client) -> None:
    hits = [SearchHit(f"Hit {number}", "/x/", "Lab") for number in range(45)]
    with hooks.register_temporarily("search_providers", lambda query, language: hits):
        page = client.get("/en/search/", {"q": "a b", "page": "2"}).content.decode()
    assert "Page 2 of 3" in page
    assert "?q=a+b&amp;page=3" in page


@pytest.mark.parametrize("number", ["0", "-1", "999", "x", "1e9"])
def test_a_page_number_out_of_range_shows_a_page(site: SmallSite, client: Client, number: str) -> None:
    assert client.get("/en/search/", {"q": "a", "page": number}).status_code == 200


def test_an_empty_search_says_what_it_can_find(site: SmallSite, client: Client) -> None:
    assert "Results will be here" in client.get("/en/search/").content.decode()


def test_an_excerpt_shows_the_words_around_the_hit() -> None:
    text = "前" * 200 + "私有网段" + "后" * 200
    assert "私有网段" in excerpt(text, "私有网段")
    assert len(excerpt(text, "私有网段")) < 200


@given(st.text(max_size=400))
def test_a_tidy_query_is_one_short_printable_line(text: str) -> None:
    query = tidy(text)
    assert len(query) <= 200
    assert "\x00" not in query
    assert query == query.strip()
