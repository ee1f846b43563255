"""When there will be room, if those who have a place leave when they are said to."""

from hypothesis import given
from hypothesis import strategies as st

from labs.scheduling.amounts import NOTHING, Amount
from labs.scheduling.forecast import FAR_S, Holding, Wanted, waits_s

SEAT = Amount(500, 128)


def test_with_room_nobody_waits():
    assert waits_s(SEAT * 2, [], [Wanted(SEAT, 60), Wanted(SEAT, 60)]) == [0, 0]


def test_each_waits_for_the_next_who_leaves():
    held = [Holding(SEAT, 300), Holding(SEAT, 100)]
    assert waits_s(NOTHING, held, [Wanted(SEAT, 1000), Wanted(SEAT, 1000)]) == [100, 300]


def test_who_was_let_in_leaves_again():
    assert waits_s(NOTHING, [Holding(SEAT, 10)], [Wanted(SEAT, 60)] * 3) == [10, 70, 130]


def test_a_large_wish_waits_for_several_and_holds_up_who_comes_after():
    held = [Holding(SEAT, 100), Holding(SEAT, 200)]
    assert waits_s(NOTHING, held, [Wanted(SEAT * 2, 60), Wanted(SEAT, 60)]) == [200, 260]


def test_what_never_fits_is_far_and_in_nobodys_way():
    assert waits_s(SEAT, [], [Wanted(SEAT * 2, 60), Wanted(SEAT, 60)]) == [FAR_S, 0]


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 500)), max_size=8),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 500)), max_size=8),
)
def test_nobody_is_expected_before_those_ahead(held, queue):
    waits = waits_s(
        SEAT * 4,
        [Holding(SEAT * size, left) for size, left in held],
        [Wanted(SEAT * size, lasts) for size, lasts in queue],
    )
    assert waits == sorted(waits)
    assert len(waits) == len(queue)
