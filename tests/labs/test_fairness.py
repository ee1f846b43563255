"""Whose turn it is, for any crowd: exact shares, nobody starves, and an order that nothing but facts changes."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from labs.scheduling.fairness import Shares, Wish, order

PARTIES = [None, 1, 2, 3]
COST = 1000

weights = st.fixed_dictionaries({party: st.integers(1, 5) for party in PARTIES})
used = st.integers(0, 50 * COST)


@st.composite
def crowds(draw):
    """Wishes of people who each belong to one party, and what all of them have had."""
    count = draw(st.integers(1, 25))
    home = {person: PARTIES[person % len(PARTIES)] for person in range(12)}
    people = draw(st.lists(st.sampled_from(sorted(home)), min_size=count, max_size=count))
    wishes = [
        Wish(
            id=number,
            party=home[person],
            person=person,
            cost=draw(st.integers(1, 5 * COST)),
            joined_ms=draw(st.integers(0, 10_000)),
        )
        for number, person in enumerate(people)
    ]
    shares = Shares(
        had_by_party={party: draw(used) for party in PARTIES},
        had_by_person={person: draw(used) for person in home},
        weights=draw(weights),
        ageing=draw(st.integers(0, 20)),
    )
    return wishes, shares


@given(crowds())
@settings(deadline=None)
def test_everybody_is_in_the_order_once(crowd):
    wishes, shares = crowd
    assert Counter(order(wishes, shares)) == Counter(wishes)


@given(crowds(), st.randoms())
@settings(deadline=None)
def test_the_order_does_not_depend_on_how_the_rows_came(crowd, random):
    wishes, shares = crowd
    shuffled = random.sample(wishes, len(wishes))
    assert order(shuffled, shares) == order(wishes, shares)


@given(crowds(), st.integers(0, 10**9))
@settings(deadline=None)
def test_time_alone_changes_no_order(crowd, later):
    wishes, shares = crowd
    shifted = [replace(wish, joined_ms=wish.joined_ms + later) for wish in wishes]
    assert [w.id for w in order(shifted, shares)] == [w.id for w in order(wishes, shares)]


@given(crowds())
@settings(deadline=None)
def test_letting_the_first_in_leaves_the_others_in_their_order(crowd):
    wishes, shares = crowd
    first, *others = order(wishes, shares)
    charged = replace(
        shares,
        had_by_party={
            **shares.had_by_party,
            first.party: shares.had_by_party[first.party] + first.cost,
        },
        had_by_person={
            **shares.had_by_person,
            first.person: shares.had_by_person[first.person] + first.cost,
        },
    )
    assert order(others, charged) == others


@given(crowds())
@settings(deadline=None)
def test_one_persons_own_wishes_come_in_the_order_they_were_made(crowd):
    wishes, shares = crowd
    served = order(wishes, shares)
    for person in {wish.person for wish in wishes}:
        own = [wish for wish in served if wish.person == person]
        assert own == sorted(own, key=lambda wish: (wish.joined_ms, wish.id))


@given(crowds())
@settings(deadline=None)
def test_nobody_starves(crowd):
    """Whoever joins later than waiting has made up for all I and mine have had comes after me, whatever they had."""
    wishes, shares = crowd
    shares = replace(shares, ageing=max(1, shares.ageing))
    place = {wish.id: number for number, wish in enumerate(order(wishes, shares))}
    for mine in wishes:
        own = sum(w.cost for w in wishes if w.person == mine.person)
        ours = sum(w.cost for w in wishes if w.party == mine.party)
        debt = shares.had_by_person[mine.person] + own
        debt += Fraction(shares.had_by_party[mine.party] + ours, shares.weights[mine.party])
        for theirs in wishes:
            if (theirs.joined_ms - mine.joined_ms) * shares.ageing > debt:
                assert place[mine.id] < place[theirs.id]


def test_a_heavy_user_is_served_though_newcomers_never_stop_coming():
    waiting = [Wish(id=0, party=None, person=0, cost=COST, joined_ms=0)]
    had = {0: 30 * COST}
    for tick in range(1, 200):
        waiting += [Wish(tick, party=None, person=tick, cost=COST, joined_ms=tick * 1000)]
        first = order(waiting, Shares(had_by_person=had, ageing=1))[0]
        waiting.remove(first)
        if first.id == 0:
            break
    # After 30 ticks a newcomer's wait weighs as much as what the heavy user has had, and who came first goes first.
    assert tick == 30


@given(weights, st.integers(1, 6))
@settings(deadline=None)
def test_equal_wishes_are_served_in_exact_proportion_to_the_weights(weights, rounds):
    total = sum(weights.values())
    wishes = [
        Wish(id=number, party=party, person=number, cost=COST, joined_ms=0)
        for number, party in enumerate(PARTIES * (total * rounds))
    ]
    served = order(wishes, Shares(weights=weights, ageing=7))
    counts: Counter[int | None] = Counter()
    for number, wish in enumerate(served[: total * rounds], 1):
        counts[wish.party] += 1
        turns = {party: Fraction(counts[party], weights[party]) for party in PARTIES}
        assert max(turns.values()) - min(turns.values()) <= 1
        if number % total == 0:
            assert counts == {party: weights[party] * number // total for party in PARTIES}


def test_a_large_organisation_does_not_crowd_out_a_small_one():
    many = [Wish(number, party=1, person=number, cost=COST, joined_ms=0) for number in range(50)]
    few = [Wish(100 + number, party=2, person=100 + number, cost=COST, joined_ms=5) for number in range(5)]
    served = order(many + few, Shares())
    assert sum(wish.party == 2 for wish in served[:10]) == 5


def test_within_an_organisation_who_has_had_least_comes_first():
    wishes = [Wish(person, party=1, person=person, cost=COST, joined_ms=person) for person in range(3)]
    served = order(wishes, Shares(had_by_person={0: 3 * COST, 1: COST, 2: 2 * COST}))
    assert [wish.person for wish in served] == [1, 2, 0]
