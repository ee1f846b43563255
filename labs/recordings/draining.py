"""That what terminals said is written down before their machines go, however late the recorder is.

The keepers are asked, not the recorder: one that is dead can hold nothing up beyond LABS_RECORDING_WAIT_SECONDS.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from labs.drivers.base import Driver, DriverBusy, DriverError, Hello, Modes, NodeGone, Watch
from labs.engine import get_driver
from labs.lifecycle import State
from labs.models import Recording, Sandbox
from labs.models.recording import Lack
from labs.recordings.journal import offset_of

log = logging.getLogger(__name__)

# One look takes no longer than this with every keeper that answers; a recorder at work is done within it.
LOOK_S = 0.2
LOOK_AGAIN_S = 0.05
ANSWER_S = 1.0

# Where the recording of each life of each terminal is: (node, terminal, epoch).
Paths = Mapping[tuple[str, int, str], Path]


@dataclass(frozen=True)
class Behind:
    """A terminal that said more than was written down. ``epoch`` is empty when its machine does not answer."""

    node: str
    terminal: int
    epoch: str
    why: Lack


def is_drained(sandbox: Sandbox, *, patient: bool = True) -> bool:
    """Whether its machines may go: all that its terminals said is written down, or was waited for long enough.

    What is missing then, or at once when nobody is to be ``patient``, is noted in the recordings. The machines of a
    sandbox on its way out go on, if they were frozen, as only so they can be read. Never in a transaction.
    """
    if not _may_have_spoken(sandbox):
        return True
    paths = {
        (one.node, one.terminal, one.epoch): one.path for one in Recording.objects.filter(ref=sandbox.ref)
    }
    driver = get_driver()
    behind = asyncio.run(_all_behind(driver, sandbox.ref, _terminals(sandbox), paths))
    waited_s = (timezone.now() - sandbox.moved_at).total_seconds()
    if behind and patient and waited_s < settings.LABS_RECORDING_WAIT_SECONDS:
        if any(one.why == Lack.MACHINE for one in behind):
            _let_go_on(driver, sandbox.ref)
        return False
    for one in behind:
        log.warning(
            "the recording of terminal %s of %s in %s lacks its end", one.terminal, one.node, sandbox.ref
        )
        _note(sandbox, one)
    return True


def _may_have_spoken(sandbox: Sandbox) -> bool:
    recorded = bool(settings.LABS_RECORDING_DAYS) and sandbox.session_id is not None
    return recorded and sandbox.events.filter(state=State.READY).exists()


def _terminals(sandbox: Sandbox) -> list[tuple[str, int]]:
    names = sandbox.nodes.values_list("name", "sandbox__session__lab__terminals")
    return [(name, terminal) for name, terminals in names for terminal in range(1, terminals + 1)]


def _let_go_on(driver: Driver, ref: str) -> None:
    try:
        driver.resume(ref)
    except DriverError as error:
        log.warning("%s cannot go on to be read to its end: %s", ref, error)


def _note(sandbox: Sandbox, behind: Behind) -> None:
    place = {"ref": sandbox.ref, "node": behind.node, "terminal": behind.terminal}
    if behind.epoch:
        new = {"session_id": sandbox.session_id, "ended_at": timezone.now(), "lack": behind.why}
        Recording.objects.update_or_create(
            **place, epoch=behind.epoch, defaults={"lack": behind.why}, create_defaults=new
        )
    else:
        Recording.objects.running().filter(**place).update(lack=behind.why)


async def _all_behind(
    driver: Driver, ref: str, terminals: Iterable[tuple[str, int]], paths: Paths
) -> list[Behind]:
    looks = [_behind(driver, ref, node, terminal, paths) for node, terminal in terminals]
    return [found for found in await asyncio.gather(*looks) if found is not None]


async def _behind(driver: Driver, ref: str, node: str, terminal: int, paths: Paths) -> Behind | None:
    try:
        async with asyncio.timeout(ANSWER_S):
            return await _looked(driver, ref, node, terminal, paths)
    except NodeGone:
        return None
    except (DriverBusy, TimeoutError):
        return Behind(node, terminal, "", Lack.MACHINE)
    except DriverError as error:
        log.warning("terminal %s of %s in %s: %s", terminal, node, ref, error)
        return None


async def _looked(driver: Driver, ref: str, node: str, terminal: int, paths: Paths) -> Behind | None:
    watch = await driver.watch(ref, node, terminal, offset=1)
    try:
        epoch = watch.hello.epoch
        if not _goes_beyond(watch.hello, 0):
            return None
        path = paths.get((node, terminal, epoch))
        end = await _end(watch) if path else None
    finally:
        await watch.close()
    until = asyncio.get_running_loop().time() + LOOK_S
    while path is not None:
        offset = offset_of(path)
        if _is_full(path) or (end is not None and offset >= end):
            return None
        if end is None and await _said_no_more(driver, ref, node, terminal, offset):
            return None
        if asyncio.get_running_loop().time() > until:
            break
        await asyncio.sleep(LOOK_AGAIN_S)
    return Behind(node, terminal, epoch, Lack.RECORDER)


async def _end(watch: Watch) -> int | None:
    """Where the output ends just now; None when no shell runs, as then nobody tells."""
    try:
        async with asyncio.timeout(LOOK_AGAIN_S):
            async for event in watch:
                if isinstance(event, Modes):
                    return event.offset
    except TimeoutError:
        return None
    return None


async def _said_no_more(driver: Driver, ref: str, node: str, terminal: int, offset: int) -> bool:
    watch = await driver.watch(ref, node, terminal, offset=offset + 1)
    await watch.close()
    return not _goes_beyond(watch.hello, offset)


def _goes_beyond(hello: Hello, offset: int) -> bool:
    """What a keeper answered to one who wished to go on behind the byte after ``offset``.

    A place that the terminal never came to is answered with the oldest byte held, and no gap.
    """
    return hello.offset == offset + 1 or hello.gap > 0


def _is_full(path: Path) -> bool:
    try:
        return path.stat().st_size >= settings.LABS_RECORDING_MIB * 1024 * 1024
    except FileNotFoundError:
        return False
