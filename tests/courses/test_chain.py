"""The receipt of a sitting: whatever is changed, left out, put in or moved among the saved answers shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from courses.exams.chain import Saved, broken_at, last_link, link, seed

BEGAN = datetime(2027, 3, 1, 9, tzinfo=UTC)
answers = (
    st.none()
    | st.fixed_dictionaries({"choice": st.sampled_from("abc")})
    | st.fixed_dictionaries({"text": st.text()})
)
events = st.lists(
    st.builds(
        Saved,
        slot=st.integers(1, 5),
        sequence=st.integers(1, 9),
        answer=answers,
        received_at=st.integers(0, 10**9).map(lambda us: BEGAN + timedelta(microseconds=us)),
    ),
    min_size=1,
    max_size=8,
)
FIRST = seed("attempt", "paper")


def chained(saved: list[Saved]) -> list[tuple[Saved, str]]:
    reached, told = FIRST, []
    for one in saved:
        reached = link(reached, one)
        told.append((one, reached))
    return told


@given(events)
def test_a_chain_that_nobody_touched_holds_and_ends_in_the_receipt(saved: list[Saved]):
    told = chained(saved)
    assert broken_at(FIRST, told) is None
    assert last_link(FIRST, saved) == told[-1][1]


@given(events, st.data())
def test_a_changed_answer_shows_where_it_is(saved: list[Saved], data: st.DataObject):
    told = chained(saved)
    place = data.draw(st.integers(0, len(told) - 1))
    other = replace(told[place][0], answer={"text": "something else entirely"})
    if other != told[place][0]:
        told[place] = (other, told[place][1])
        assert broken_at(FIRST, told) == place


@given(events, st.data())
def test_an_answer_left_out_changes_the_receipt(saved: list[Saved], data: st.DataObject):
    place = data.draw(st.integers(0, len(saved) - 1))
    assert last_link(FIRST, saved[:place] + saved[place + 1 :]) != last_link(FIRST, saved)


def test_the_same_answers_to_another_paper_or_by_another_sitting_have_another_receipt():
    saved = [Saved(1, 1, {"choice": "a"}, BEGAN)]
    receipts = {last_link(seed(attempt, paper), saved) for attempt in ("1", "2") for paper in ("p", "q")}
    assert len(receipts) == 4


def test_the_time_zone_in_which_a_moment_is_told_changes_nothing():
    shanghai = BEGAN.astimezone(ZoneInfo("Asia/Shanghai"))
    assert link(FIRST, Saved(1, 1, None, BEGAN)) == link(FIRST, Saved(1, 1, None, shanghai))
