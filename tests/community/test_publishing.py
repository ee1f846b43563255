import pytest
from wagtail.models import Page

from community.api import (
    NotParallel,
    TextPage,
    place_home,
    place_page,
    place_standard,
    place_translation,
    read_standard,
)
from tests.community.conftest import SmallSite, block, home_in
from tests.community.standards.test_drafts import DRAFT_TEXT


def test_placing_a_page_again_keeps_its_edits(site: SmallSite) -> None:
    site.text.zh.title = "关于我们"
    site.text.zh.save_revision().publish()
    page, new = place_page(site.home.zh, TextPage(title="关于", slug="about"))
    assert (page.title, new) == ("关于我们", False)


def test_placing_the_home_page_again_makes_no_second_one(site: SmallSite) -> None:
    page, new = place_home(home_in("zh"))
    assert (page.pk, new) == (site.home.zh.pk, False)


def test_wagtails_welcome_page_is_gone(site: SmallSite) -> None:
    assert not Page.objects.filter(depth=2, slug="home").exists()


def test_a_translation_is_live_and_in_its_own_words(site: SmallSite) -> None:
    assert site.piece.en.live
    assert site.piece.en.title == "Draft open for comments"
    assert site.piece.en.translation_key == site.piece.zh.translation_key


def test_translating_again_keeps_the_translators_edits(site: SmallSite) -> None:
    site.text.en.title = "About us"
    site.text.en.save_revision().publish()
    again = place_translation(site.text.zh, TextPage(title="About", slug="about"), "en")
    assert again.title == "About us"


def test_a_counterpart_of_another_structure_is_refused_by_name(site: SmallSite) -> None:
    page, _ = place_page(
        site.home.zh, TextPage(title="隐私", slug="privacy", body=[block("text", "a", "<p>一</p><p>二</p>")])
    )
    counterpart = TextPage(title="Privacy", slug="privacy", body=[block("text", "a", "<p>One</p>")])
    with pytest.raises(NotParallel, match="privacy"):
        place_translation(page, counterpart, "en")


def test_the_alliance_draft_is_parallel_in_both_languages(site: SmallSite) -> None:
    draft, new = place_standard(site.standards.zh, read_standard(DRAFT_TEXT))
    english = draft.get_translations().get().specific
    assert new
    assert english.numbered_clauses[0].title == "Scope"
    assert [c.anchor for c in english.numbered_clauses] == [c.anchor for c in draft.numbered_clauses]
