"""A key goes before the floods of its neighbours, and never for long."""

import asyncio
from collections.abc import Awaitable, Callable

from labs.drivers.docker.precedence import FLOOD_BYTES, Precedence, precedence


class Neighbour:
    """Remembers whether it is listened to."""

    def __init__(self) -> None:
        self.listening = asyncio.Event()
        self.listening.set()

    def hold(self) -> None:
        self.listening.clear()

    def release(self) -> None:
        self.listening.set()


def among(act: Callable[[Precedence, Neighbour, Neighbour], Awaitable[None]]) -> None:
    async def run() -> None:
        order, typist, flood = Precedence(), Neighbour(), Neighbour()
        order.said(flood, FLOOD_BYTES)
        await act(order, typist, flood)

    asyncio.run(run())


def test_a_flood_waits_until_the_key_is_answered():
    async def act(order: Precedence, typist: Neighbour, flood: Neighbour) -> None:
        order.typed(typist)
        assert not flood.listening.is_set()
        assert typist.listening.is_set()
        order.said(typist, 1)
        assert flood.listening.is_set()

    among(act)


def test_a_key_that_nothing_answers_holds_a_flood_up_for_a_moment():
    async def act(order: Precedence, typist: Neighbour, flood: Neighbour) -> None:
        order.typed(typist)
        assert not flood.listening.is_set()
        await asyncio.wait_for(flood.listening.wait(), 10)

    among(act)


def test_a_flood_that_was_held_up_is_listened_to_as_long_before_the_next_key_holds_it_up():
    async def run() -> None:
        now = 0.0
        order, typist, flood = Precedence(lambda: now), Neighbour(), Neighbour()
        order.said(flood, FLOOD_BYTES)
        order.typed(typist)
        now = 0.003
        order.said(typist, 1)
        now = 0.005
        order.typed(typist)
        assert flood.listening.is_set()
        now = 0.007
        order.typed(typist)
        assert not flood.listening.is_set()
        order.gone(typist)

    asyncio.run(run())


def test_whoever_says_little_is_not_held_up():
    async def act(order: Precedence, typist: Neighbour, _flood: Neighbour) -> None:
        quiet = Neighbour()
        order.said(quiet, FLOOD_BYTES - 1)
        order.typed(typist)
        assert quiet.listening.is_set()

    among(act)


def test_a_flood_waits_for_no_key_of_its_own():
    async def act(order: Precedence, _typist: Neighbour, flood: Neighbour) -> None:
        order.typed(flood)
        assert flood.listening.is_set()

    among(act)


def test_when_the_typist_goes_the_flood_goes_on():
    async def act(order: Precedence, typist: Neighbour, flood: Neighbour) -> None:
        order.typed(typist)
        order.gone(typist)
        assert flood.listening.is_set()

    among(act)


def test_every_loop_has_one_of_its_own():
    async def of_this_loop() -> Precedence:
        loop = asyncio.get_running_loop()
        assert precedence(loop) is precedence(loop)
        return precedence(loop)

    assert asyncio.run(of_this_loop()) is not asyncio.run(of_this_loop())
