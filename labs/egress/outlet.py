"""Every node that has a way out, each with its door open and its connections counted; knows drivers and no database."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from socket import socket

from labs.allowlist import Entry
from labs.drivers.base import Driver, DriverBusy, DriverError, NodeGone, WayOut
from labs.egress.proxy import Guest, Ledger, Patience, Transfer, World, serve

log = logging.getLogger(__name__)

GONE_PAUSE_S = 1.0
BUSY_PAUSE_S = 2.0
TROUBLE_PAUSE_S = 10.0


@dataclass(frozen=True)
class Limits:
    """What a session may: connections at once, requests a second once ``burst`` are spent."""

    connections: int = 16
    per_second: float = 10.0
    burst: int = 100


@dataclass(frozen=True)
class Place:
    """A node whose programs may go out."""

    session: str
    ref: str
    node: str


@dataclass(frozen=True)
class Leave:
    """Where the programs of a session may go, and what it may still transfer when it is first met."""

    entries: tuple[Entry, ...]
    left_bytes: int


class Pace:
    """A turn now for the first ``burst``, then so many a second."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._turns = float(limits.burst)
        self._seen_at = asyncio.get_running_loop().time()
        self._lock = asyncio.Lock()

    async def turn(self) -> None:
        async with self._lock:
            missing = 1.0 - self._refilled()
            if missing > 0:
                await asyncio.sleep(missing / self._limits.per_second)
            self._turns -= 1

    def _refilled(self) -> float:
        now = asyncio.get_running_loop().time()
        self._turns = min(self._limits.burst, self._turns + (now - self._seen_at) * self._limits.per_second)
        self._seen_at = now
        return self._turns


@dataclass
class Household:
    """What the nodes of one session share."""

    room: asyncio.Semaphore
    pace: Pace
    transfer: Transfer
    entries: tuple[Entry, ...]
    visits: set[asyncio.Task[None]] = field(default_factory=set)


class Outlet:
    """One task per node that has a way out, and one per connection. What waits for its turn waits in the kernel."""

    def __init__(
        self,
        driver: Driver,
        ledger: Ledger,
        *,
        world: World | None = None,
        limits: Limits | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._driver, self._ledger = driver, ledger
        self._world, self._limits = world or World(), limits or Limits()
        self._patience = patience or Patience()
        self._households: dict[str, Household] = {}
        self._tasks: dict[Place, asyncio.Task[None]] = {}

    @property
    def sessions(self) -> set[str]:
        """Those that were met and are still followed."""
        return set(self._households)

    def visits(self, session: str) -> int:
        """How many connections of the session there are now."""
        household = self._households.get(session)
        return len(household.visits) if household else 0

    def follow(self, leaves: Mapping[Place, Leave]) -> None:
        """These nodes have a way out from now on; others' doors and connections are shut."""
        for place in set(self._tasks) - set(leaves):
            self._tasks.pop(place).cancel()
        for session in set(self._households) - {place.session for place in leaves}:
            for visit in self._households.pop(session).visits:
                visit.cancel()
        for place, leave in leaves.items():
            self._household(place.session, leave).entries = leave.entries
            if place not in self._tasks:
                self._tasks[place] = asyncio.create_task(self._keep_open(place))

    def _household(self, session: str, leave: Leave) -> Household:
        if session not in self._households:
            self._households[session] = Household(
                asyncio.Semaphore(self._limits.connections),
                Pace(self._limits),
                Transfer(leave.left_bytes),
                leave.entries,
            )
        return self._households[session]

    async def close(self) -> None:
        """No door is open and no connection left; each is entered as it ended."""
        visits = [visit for household in self._households.values() for visit in household.visits]
        tasks = [*self._tasks.values(), *visits]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_open(self, place: Place) -> None:
        while True:
            try:
                way = await asyncio.to_thread(self._driver.open_egress, place.ref, place.node)
            except NodeGone:
                pause_s = GONE_PAUSE_S
            except DriverBusy:
                pause_s = BUSY_PAUSE_S
            except DriverError as error:
                log.warning("no way out of %s of %s: %s", place.node, place.ref, error)
                pause_s = TROUBLE_PAUSE_S
            else:
                await self._attend(place, way)
                pause_s = 0.0
            await asyncio.sleep(pause_s)

    async def _attend(self, place: Place, way: WayOut) -> None:
        """Returns when the node has ended."""
        accepting = asyncio.create_task(self._accept(place, way.door))
        living = asyncio.create_task(_ended(way.life))
        try:
            await asyncio.wait({accepting, living}, return_when=asyncio.FIRST_COMPLETED)
            if accepting.done() and (error := accepting.exception()):
                log.warning("the door of %s of %s: %s", place.node, place.ref, error)
                await asyncio.sleep(GONE_PAUSE_S)
        finally:
            accepting.cancel()
            living.cancel()
            await asyncio.gather(accepting, living, return_exceptions=True)
            way.close()

    async def _accept(self, place: Place, door: socket) -> None:
        household = self._households[place.session]
        guest = Guest(place.session, place.node, lambda: household.entries, household.transfer)
        loop = asyncio.get_running_loop()
        while True:
            connection, _from = await loop.sock_accept(door)
            try:
                await household.pace.turn()
                await household.room.acquire()
            except BaseException:
                connection.close()
                raise
            visit = asyncio.create_task(self._receive(connection, guest, household))
            household.visits.add(visit)
            visit.add_done_callback(household.visits.discard)

    async def _receive(self, connection: socket, guest: Guest, household: Household) -> None:
        try:
            await serve(connection, guest, self._ledger, self._world, self._patience)
        except OSError as error:
            log.info("a connection of %s: %s", guest.node, error)
        finally:
            connection.close()
            household.room.release()


async def _ended(life: socket) -> None:
    with suppress(OSError):
        while await asyncio.get_running_loop().sock_recv(life, 64):
            continue
