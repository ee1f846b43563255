"""Whose turn it is: weighted fair shares over organisations and, within each, over people. Pure and exact.

It is start-time fair queueing without a stored clock. The party that has had least in proportion to its weight comes
next, and of its people the one who has had least; what they are given is charged to both before the next choice.
Waiting counts like having had less, at ``ageing`` units of cost per millisecond. As everybody ages alike, time alone
never changes an order, and a newcomer always starts behind those who have waited long enough: nobody starves.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True)
class Wish:
    """Somebody waits since ``joined_ms`` for what costs ``cost``; ``party`` is None for people of no organisation."""

    id: int
    party: int | None
    person: int
    cost: int
    joined_ms: int


@dataclass(frozen=True)
class Shares:
    """What parties and people have had lately, in units of cost, and what each party weighs."""

    had_by_party: Mapping[int | None, int] = field(default_factory=dict)
    had_by_person: Mapping[int, int] = field(default_factory=dict)
    weights: Mapping[int | None, int] = field(default_factory=dict)
    ageing: int = 0


Key = tuple[Fraction, int, int]


class _Queue:
    """The wishes of one party, the next of them on top."""

    def __init__(self, party: int | None, wishes: list[Wish], shares: Shares) -> None:
        self.had = shares.had_by_party.get(party, 0)
        self.weight = max(1, shares.weights.get(party, 1))
        self.ageing = shares.ageing
        self.had_by_person = {w.person: shares.had_by_person.get(w.person, 0) for w in wishes}
        self.of_person: dict[int, list[Wish]] = {}
        for wish in sorted(wishes, key=lambda w: (w.joined_ms, w.id)):
            self.of_person.setdefault(wish.person, []).append(wish)
        self.heads: list[tuple[Key, Wish]] = [
            (self._key(waiting[0]), waiting[0]) for waiting in self.of_person.values()
        ]
        heapq.heapify(self.heads)

    def _key(self, wish: Wish) -> Key:
        return _key(Fraction(self.had_by_person[wish.person]), wish, self.ageing)

    @property
    def key(self) -> Key:
        return _key(Fraction(self.had, self.weight), self.heads[0][1], self.ageing)

    def take(self) -> Wish:
        """The next wish, charged to the party and to its person."""
        _key, wish = heapq.heappop(self.heads)
        self.had += wish.cost
        self.had_by_person[wish.person] += wish.cost
        waiting = self.of_person[wish.person]
        waiting.pop(0)
        if waiting:
            heapq.heappush(self.heads, (self._key(waiting[0]), waiting[0]))
        return wish


def _key(had: Fraction, wish: Wish, ageing: int) -> Key:
    return had + ageing * wish.joined_ms, wish.joined_ms, wish.id


def order(wishes: Iterable[Wish], shares: Shares) -> list[Wish]:
    """All ``wishes``, whose turn comes first being first.

    Equal wishes that wait equally long are served in exact proportion to the weights: after every round of as many as
    all weights together, each party has had exactly as many rounds' worth as it weighs, and is never further than one
    wish from any other in between.
    """
    by_party: dict[int | None, list[Wish]] = {}
    for wish in wishes:
        by_party.setdefault(wish.party, []).append(wish)
    queues = [_Queue(party, waiting, shares) for party, waiting in by_party.items()]
    heads = [(queue.key, number) for number, queue in enumerate(queues)]
    heapq.heapify(heads)
    served = []
    while heads:
        _key, number = heapq.heappop(heads)
        queue = queues[number]
        served.append(queue.take())
        if queue.heads:
            heapq.heappush(heads, (queue.key, number))
    return served
