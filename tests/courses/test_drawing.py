"""Papers: the same for the same seed, no question twice, every option there, and chance that is fair."""

from collections import Counter
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.exams.content import content_hash, read_content
from courses.exams.drawing import Candidate, Draw, PoolTooSmall, Section, draw_paper, option_order, paper_hash
from tests.courses.questions import SAMPLES, STEM, parts

KINDS = sorted(SAMPLES)


@cache
def candidate(number: int, version: int | None = None) -> Candidate:
    content = read_content(SAMPLES[KINDS[number % len(KINDS)]].content)
    return Candidate(version or number * 10, number, content, content_hash(content))


def pool(*numbers: int) -> tuple[Candidate, ...]:
    return tuple(candidate(number) for number in numbers)


MARK = Decimal(2)
numbers = st.sets(st.integers(1, 30), min_size=1, max_size=12)
seeds = st.text(max_size=12)


@st.composite
def sections(draw: st.DrawFn) -> list[Section]:
    """Sections whose pools do not share questions, so that any paper can be drawn."""
    return [
        Section(
            f"s{place}",
            tuple(
                Draw(pool(*(number + 100 * (2 * place + part) for number in sorted(chosen))), count, MARK)
                for part, chosen in enumerate(draw(st.lists(numbers, min_size=1, max_size=2)))
                for count in [draw(st.integers(1, len(chosen)))]
            ),
            draw(st.booleans()),
        )
        for place in range(draw(st.integers(1, 3)))
    ]


@given(sections(), seeds)
def test_a_seed_gives_one_paper_with_as_many_questions_as_asked_and_none_twice(
    blueprint: list[Section], seed: str
):
    paper = draw_paper(blueprint, seed)
    assert paper == draw_paper(blueprint, seed)
    assert paper_hash(paper) == paper_hash(draw_paper(blueprint, seed))
    assert [slot.number for slot in paper] == list(range(1, len(paper) + 1))
    versions = [slot.version for slot in paper]
    assert len(set(versions)) == len(versions)
    for section in blueprint:
        mine = [slot for slot in paper if slot.section == section.name]
        assert len(mine) == sum(one.count for one in section.draws)
        allowed = {candidate.version for one in section.draws for candidate in one.pool}
        assert {slot.version for slot in mine} <= allowed


@given(seeds)
def test_the_sections_follow_each_other_and_an_unshuffled_one_keeps_its_order(seed: str):
    paper = draw_paper(
        [Section("a", (Draw(pool(1, 2, 3), 3, MARK),)), Section("b", (Draw(pool(4, 5), 2, MARK),))], seed
    )
    assert [slot.version for slot in paper] == [10, 20, 30, 40, 50]


@given(seeds)
def test_a_draw_leaves_what_a_fixed_section_needs(seed: str):
    paper = draw_paper(
        [Section("any", (Draw(pool(1, 2, 3, 4), 3, MARK),)), Section("this", (Draw(pool(2), 1, MARK),))], seed
    )
    assert {slot.version for slot in paper if slot.section == "any"} == {10, 30, 40}


def test_two_versions_of_a_question_are_never_in_one_paper():
    both = (candidate(1, 11), candidate(1, 12))
    with pytest.raises(PoolTooSmall) as raised:
        draw_paper([Section("a", (Draw(both, 2, MARK),))], "x")
    assert (raised.value.section, raised.value.wanted, raised.value.there) == ("a", 2, 1)


def test_over_many_papers_every_question_is_drawn_about_as_often():
    blueprint = [Section("a", (Draw(pool(*range(1, 11)), 3, MARK),))]
    drawn = Counter(slot.version for seed in range(2000) for slot in draw_paper(blueprint, str(seed)))
    assert set(drawn) == {number * 10 for number in range(1, 11)}
    # 600 expected; the standard deviation is 20, and the seeds are always the same ones.
    assert all(500 < count < 700 for count in drawn.values())


@given(seeds, st.integers(2, 12))
def test_every_option_is_there_once_and_items_never_come_in_the_right_order(seed: str, count: int):
    ids = [f"i{place}" for place in range(count)]
    single = read_content({"kind": "single", **STEM, "options": parts(*ids), "key": ids[0]})
    ordering = read_content({"kind": "ordering", **STEM, "items": parts(*ids)})
    assert sorted(option_order(single, seed)) == sorted(ids)
    assert sorted(option_order(ordering, seed)) == sorted(ids)
    assert list(option_order(ordering, seed)) != ids


def test_options_that_say_all_of_the_above_keep_their_order():
    single = read_content(
        {"kind": "single", **STEM, "options": parts("a", "b", "c"), "key": "a", "shuffle": False}
    )
    assert {option_order(single, str(seed)) for seed in range(50)} == {("a", "b", "c")}


def test_a_paper_is_drawn_the_same_in_every_version_of_the_product():
    paper = draw_paper([Section("a", (Draw(pool(*range(1, 8)), 4, MARK),), shuffle=True)], "2027")
    assert paper_hash(paper) == "d8dd2f760daf23621211c6ac58afb9dc9966162fc174ee0ffed857855240f6e8"
