import random
import re
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from wagtail import hooks
from wagtail.blocks import StreamBlockValidationError

from community import registry
from community.api import ClauseReference, TextError, ThreadItem, clause, clauses, read_standard
from community.blocks import ClausesBlock
from community.models import DraftPage
from tests.community.conftest import CLAUSES, SmallSite, block

ROOT = Path(__file__).resolve().parent.parent.parent.parent
DRAFT_TEXT = ROOT / "config" / "demo" / "standard_yl_t_001.toml"
AGREED = [
    "scope",
    "references",
    "terms",
    "isolation-process",
    "isolation-network",
    "isolation-resource",
    "isolation-credential",
    "lifecycle-start",
    "lifecycle-stop",
    "lifecycle-recovery",
    "service-health",
    "service-balancing",
    "service-failover",
    "messaging-durability",
    "messaging-acknowledgement",
    "metering-usage",
    "evidence-records",
]


def clause_value(name: str, level: int = 1) -> dict[str, str]:
    return {"clause": name, "level": str(level), "kind": "normative", "title": name, "body": ""}


def cleaned(values: list[dict[str, str]]) -> object:
    stream = ClausesBlock()
    raw = [block("clause", f"b{index}", value) for index, value in enumerate(values)]
    return stream.clean(stream.to_python(raw))


def faults_of(values: list[dict[str, str]]) -> dict[int, str]:
    """Position of each refused clause with the name of the field refused."""
    with pytest.raises(StreamBlockValidationError) as refusal:
        cleaned(values)
    return {index: next(iter(error.block_errors)) for index, error in refusal.value.block_errors.items()}


def test_two_clauses_with_one_id_are_refused_at_the_second() -> None:
    values = [clause_value("scope"), clause_value("terms"), clause_value("scope")]
    assert faults_of(values) == {2: "clause"}


def test_a_skipped_level_is_refused_where_it_is() -> None:
    assert faults_of([clause_value("scope"), clause_value("deep", level=3)]) == {1: "level"}


def test_an_id_that_the_page_itself_uses_is_refused() -> None:
    assert faults_of([clause_value("main")]) == {0: "clause"}


@pytest.mark.parametrize("name", ["Scope", "1scope", "sco pe", "scope_a", "范围", "s"])
def test_an_id_that_cannot_be_an_anchor_is_refused(name: str) -> None:
    assert faults_of([clause_value(name)]) == {0: "clause"}


def test_a_well_formed_draft_is_accepted() -> None:
    assert len(cleaned([clause_value("scope"), clause_value("sub", level=2)])) == 2  # type: ignore[arg-type]


def draft_of(names: list[str]) -> DraftPage:
    """A draft that no database has seen."""
    return DraftPage(
        locale_id=1,
        content_type_id=1,
        standard_key="t-9",
        edition="2026",
        clauses=[block("clause", f"b-{n}", clause_value(n)) for n in names],
    )


@given(st.permutations([name for name, *_rest in CLAUSES]), st.randoms(use_true_random=False))
def test_moving_clauses_changes_numbers_but_no_anchor(names: list[str], chance: random.Random) -> None:
    moved = list(names)
    chance.shuffle(moved)
    before = {clause.block_id: clause.anchor for clause in draft_of(names).numbered_clauses}
    after = {clause.block_id: clause.anchor for clause in draft_of(moved).numbered_clauses}
    assert before == after
    assert [clause.number for clause in draft_of(moved).numbered_clauses] == ["1", "2", "3", "4"]


def test_a_draft_shows_every_clause_with_its_number_and_anchor(site: SmallSite, client: Client) -> None:
    page = client.get("/en/standards/t-9-2026/").content.decode()
    shown = re.findall(r'<section class="clause clause-\d" id="([a-z-]+)"', page)
    assert shown == [name for name, *_rest in CLAUSES]
    assert re.search(r'<span class="clause-number">2\.1</span> Network isolation', page)


def test_both_languages_have_the_same_anchors_and_blocks(site: SmallSite) -> None:
    told = [
        [(clause.anchor, clause.block_id, clause.number) for clause in draft.numbered_clauses]
        for draft in (site.draft.zh, site.draft.en)
    ]
    assert told[0] == told[1]


def test_a_second_draft_of_the_same_edition_is_refused(site: SmallSite) -> None:
    twin = DraftPage(title="Twin", slug="twin", standard_key="t-9", edition="2026")
    with pytest.raises(ValidationError, match="edition"):
        site.standards.zh.add_child(instance=twin)


def test_the_translation_of_a_draft_is_not_its_twin(site: SmallSite) -> None:
    site.draft.en.full_clean()


def test_a_reference_leads_to_the_clause_in_the_language_asked_for(site: SmallSite) -> None:
    link = clause(ClauseReference.parse("t-9:2026:isolation-network"), "en")
    assert link is not None
    assert (link.number, link.title, link.url) == (
        "2.1",
        "Network isolation",
        "/en/standards/t-9-2026/#isolation-network",
    )


def test_an_unknown_clause_leads_nowhere(site: SmallSite) -> None:
    assert clause(ClauseReference.parse("t-9:2026:no-such"), "en") is None


def test_many_references_into_one_draft_cost_as_much_as_one(
    site: SmallSite, django_assert_max_num_queries: object
) -> None:
    references = [ClauseReference("t-9", "2026", name) for name, *_rest in CLAUSES]
    clauses(references[:1], "zh-hans")
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        assert len(clauses(references, "zh-hans")) == len(references)


def test_a_clause_shows_what_teaches_and_checks_it(site: SmallSite, client: Client) -> None:
    def threads(reference: ClauseReference) -> list[ThreadItem]:
        return [ThreadItem("Lab", "Balance load", "/en/labs/x/")] if reference.clause == "scope" else []

    with hooks.register_temporarily("clause_threads", threads):
        page = client.get("/en/standards/t-9-2026/").content.decode()
    assert page.count("Balance load") == 1


def test_a_draft_has_a_query_budget(
    site: SmallSite, client: Client, django_assert_max_num_queries: object
) -> None:
    client.get("/en/standards/t-9-2026/")
    with django_assert_max_num_queries(30):  # type: ignore[operator]
        client.get("/en/standards/t-9-2026/")


def test_the_alliance_draft_has_every_clause_the_others_refer_to() -> None:
    text = read_standard(DRAFT_TEXT)
    assert set(AGREED) <= {item.clause for item in text.clauses}


@pytest.mark.parametrize("fault", ["stage = ", "[title]", 'en = "Terms', "kind ="])
def test_a_file_that_lacks_something_is_refused_by_name(tmp_path: Path, fault: str) -> None:
    lines = DRAFT_TEXT.read_text(encoding="utf-8").splitlines()
    broken = tmp_path / "standard.toml"
    broken.write_text("\n".join(line for line in lines if not line.startswith(fault)), encoding="utf-8")
    if fault == 'en = "Terms':
        broken.write_text(DRAFT_TEXT.read_text(encoding="utf-8").replace('id = "terms"', 'id = "Terms"'))
    with pytest.raises(TextError, match=re.escape(str(broken))):
        read_standard(broken)


def test_threads_of_a_clause_are_asked_for_again_only_after_a_while(db: None, settings: object) -> None:
    asked: list[ClauseReference] = []

    def provider(reference: ClauseReference) -> list[ThreadItem]:
        asked.append(reference)
        return [ThreadItem("Lab", "Balance load", "/en/labs/x/")]

    settings.COMMUNITY_THREADS_SECONDS = 30  # type: ignore[attr-defined]
    reference = ClauseReference("kept", "1", "scope")
    with hooks.register_temporarily("clause_threads", provider):
        first = registry.clause_threads([reference])
        second = registry.clause_threads([reference])
    assert first == second
    assert asked == [reference]
