"""The last steps before a sandbox waits in the pool: every first terminal shows its prompt, and all stands still."""

import asyncio
import logging
from collections.abc import Iterable

from labs.drivers.base import DriverError, NodeGone, Output, Terminal
from labs.engine import get_driver
from labs.models import Sandbox

log = logging.getLogger(__name__)

FIRST_WORD_S = 10.0
QUIET_S = 0.1


def warm_up(sandbox: Sandbox) -> bool:
    """Terminal 1 of every node shows its prompt, and the sandbox is frozen; False when it could not be frozen.

    Raises DriverError when a terminal does not come.
    """
    # An earlier attempt may have ended between the freeze and the pool.
    get_driver().resume(sandbox.ref)
    open_terminals(sandbox.ref, [node.name for node in sandbox.nodes.all()])
    try:
        get_driver().suspend(sandbox.ref)
    except NodeGone:
        raise
    except DriverError as error:
        # It is as good unfrozen; it only costs the host a little.
        log.warning("sandbox %s waits unfrozen: %s", sandbox.ref, error)
        return False
    return True


def open_terminals(ref: str, nodes: Iterable[str]) -> None:
    """The first terminal of each node has said what a shell says before it waits. Raises DriverError."""

    async def all_at_once() -> None:
        await asyncio.gather(*(_first_words(ref, node) for node in nodes))

    asyncio.run(all_at_once())


async def _first_words(ref: str, node: str) -> None:
    terminal = await get_driver().attach(ref, node, 1, offset=0)
    listening = asyncio.create_task(_listen(terminal))
    try:
        await asyncio.wait({listening}, timeout=FIRST_WORD_S)
        if listening.done():
            listening.result()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await terminal.close()


async def _listen(terminal: Terminal) -> None:
    """Returns once there was output and then none for QUIET_S."""
    said = asyncio.Event()

    async def follow() -> None:
        async for event in terminal:
            if isinstance(event, Output):
                said.set()

    following = asyncio.create_task(follow())
    try:
        while not following.done():
            said.clear()
            heard = asyncio.create_task(said.wait())
            await asyncio.wait({heard, following}, return_when=asyncio.FIRST_COMPLETED)
            heard.cancel()
            said.clear()
            await asyncio.wait({following}, timeout=QUIET_S)
            if not said.is_set():
                break
        if following.done():
            following.result()
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
