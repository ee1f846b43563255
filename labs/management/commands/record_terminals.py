"""manage.py record_terminals: writes down what the terminals of running labs say, until it is told to stop."""

import asyncio
import fcntl
import logging
import os
import signal
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.core.management.base import BaseCommand

from labs.engine import get_driver
from labs.models.recording import folder
from labs.recordings import shelf
from labs.recordings.recorder import Recorder, ShelfTrouble
from labs.recordings.tape import Limits

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
TROUBLE_PAUSE_S = 5.0


class Command(BaseCommand):
    help = "Record what the terminals of running labs say. One process per host; a second one waits for the first."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder() / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        asyncio.run(record())


async def record() -> None:
    """Every terminal is followed until SIGTERM or SIGINT; then everything taken is written."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    limits = Limits(most_bytes=settings.LABS_RECORDING_MIB * 1024 * 1024)
    recorder = Recorder(get_driver(), shelf.DatabaseShelf(), limits)
    try:
        while not stopping.is_set():
            pause_s = LOOK_EVERY_S
            try:
                recorder.follow(await database_sync_to_async(shelf.spots)())
                await database_sync_to_async(shelf.end_left)(recorder.busy_with)
            except ShelfTrouble as error:
                log.warning("terminals cannot be looked up: %s", error)
                pause_s = TROUBLE_PAUSE_S
            try:
                await asyncio.wait_for(stopping.wait(), pause_s)
            except TimeoutError:
                continue
    finally:
        await recorder.close()
