from hypothesis import given
from hypothesis import strategies as st

from community.standards.numbering import DEEPEST, misplaced, numbers


@st.composite
def outlines(draw: st.DrawFn) -> list[int]:
    """Levels of a well-formed outline."""
    levels: list[int] = []
    for _ in range(draw(st.integers(0, 40))):
        levels.append(draw(st.integers(1, min((levels[-1] if levels else 0) + 1, DEEPEST))))
    return levels


def test_clauses_are_numbered_from_order_and_level() -> None:
    assert numbers([1, 2, 2, 3, 1, 2]) == ["1", "1.1", "1.2", "1.2.1", "2", "2.1"]


@given(outlines())
def test_every_number_is_unique_and_as_deep_as_its_level(levels: list[int]) -> None:
    found = numbers(levels)
    assert len(set(found)) == len(found)
    assert [number.count(".") + 1 for number in found] == levels


@given(outlines())
def test_numbers_are_in_printed_order(levels: list[int]) -> None:
    ordered = [tuple(map(int, number.split("."))) for number in numbers(levels)]
    assert ordered == sorted(ordered)


@given(st.lists(st.integers(1, DEEPEST), max_size=30))
def test_even_a_broken_outline_is_numbered_uniquely(levels: list[int]) -> None:
    found = numbers(levels)
    assert len(found) == len(levels)
    assert len(set(found)) == len(found)


@given(outlines())
def test_a_well_formed_outline_has_nothing_misplaced(levels: list[int]) -> None:
    assert misplaced(levels) == []


def test_the_first_clause_below_level_one_is_misplaced() -> None:
    assert misplaced([2, 1]) == [0]


def test_a_skipped_level_is_misplaced() -> None:
    assert misplaced([1, 3, 4]) == [1]
