"""A process that stands by the running labs of a host: alone there, one look a second, heard of until it is told to stop."""

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from channels.db import database_sync_to_async
from django.db import DatabaseError

from labs.models import Attendant

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
TROUBLE_PAUSE_S = 5.0
TELL_EVERY_S = 10.0


def be_alone(lock: Path) -> None:
    """No other process of this host holds ``lock``; it is held until this one ends."""
    fcntl.flock(os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), fcntl.LOCK_EX)


async def stand_by(
    name: Attendant.Name, look: Callable[[], Awaitable[None]], *, trouble: type[Exception] = DatabaseError
) -> None:
    """Looks until SIGTERM or SIGINT, and tells every TELL_EVERY_S that it lives.

    A database that does not answer (``trouble``, where ``look`` says it otherwise) is told in the log and tried again;
    any other error ends it.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    told_at: float | None = None
    while not stopping.is_set():
        pause_s = LOOK_EVERY_S
        try:
            await look()
            if told_at is None or loop.time() - told_at >= TELL_EVERY_S:
                await database_sync_to_async(Attendant.objects.heard)(name)
                told_at = loop.time()
        except (DatabaseError, trouble) as error:
            log.warning("%s cannot look: %s", name, error)
            pause_s = TROUBLE_PAUSE_S
        try:
            await asyncio.wait_for(stopping.wait(), pause_s)
        except TimeoutError:
            continue
