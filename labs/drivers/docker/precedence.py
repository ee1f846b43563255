"""A key goes before the floods of its neighbours: those are not listened to until it is echoed, or a moment has passed."""

import asyncio
import time
import weakref
from collections.abc import Callable
from typing import Protocol

# Whoever said so much at once may have more to say for so long.
FLOOD_BYTES = 8 * 1024
FLOOD_S = 0.05
# A key that nothing echoes holds the others up no longer.
HOLD_S = 0.005


class Held(Protocol):
    """What can be made to wait."""

    def hold(self) -> None: ...

    def release(self) -> None: ...


class Precedence:
    """Of the lines of one loop. Floods are listened to for at least as long as they were held up before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._floods: weakref.WeakKeyDictionary[Held, float] = weakref.WeakKeyDictionary()
        self._held: list[Held] = []
        self._for: Held | None = None
        self._since = self._next_at = 0.0
        self._end: asyncio.TimerHandle | None = None

    def said(self, line: Held, length: int) -> None:
        """``line`` has said so many bytes."""
        if line is self._for:
            self._let_go()
        if length >= FLOOD_BYTES:
            self._floods[line] = self._clock() + FLOOD_S

    def typed(self, line: Held) -> None:
        """A key is on its way to ``line``."""
        if not self._floods or self._for is not None or (now := self._clock()) < self._next_at:
            return
        for quiet in [flood for flood, until in self._floods.items() if until <= now]:
            del self._floods[quiet]
        self._held = [flood for flood in self._floods if flood is not line]
        if not self._held:
            return
        for flood in self._held:
            flood.hold()
        self._for, self._since = line, now
        self._end = asyncio.get_running_loop().call_later(HOLD_S, self._let_go)

    def gone(self, line: Held) -> None:
        self._floods.pop(line, None)
        if line is self._for:
            self._let_go()

    def _let_go(self) -> None:
        held, self._held, self._for = self._held, [], None
        if self._end is not None:
            self._end.cancel()
            self._end = None
        now = self._clock()
        self._next_at = now + (now - self._since)
        for flood in held:
            flood.release()


_of_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Precedence] = weakref.WeakKeyDictionary()


def precedence(loop: asyncio.AbstractEventLoop) -> Precedence:
    """The one of ``loop``."""
    return _of_loops.setdefault(loop, Precedence())
