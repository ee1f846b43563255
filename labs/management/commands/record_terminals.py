"""manage.py record_terminals: writes down what the terminals of running labs say, until it is told to stop."""

import asyncio
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.core.management.base import BaseCommand

from labs.engine import get_driver
from labs.management.standing_by import be_alone, stand_by
from labs.models import Attendant
from labs.models.recording import folder
from labs.recordings import shelf
from labs.recordings.recorder import Recorder, ShelfTrouble
from labs.recordings.tape import Limits


class Command(BaseCommand):
    help = "Record what the terminals of running labs say. One process per host; a second one waits for the first."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        be_alone(folder() / "lock")
        asyncio.run(record())


async def record() -> None:
    """Every terminal is followed until the process is told to stop; then everything taken is written."""
    limits = Limits(most_bytes=settings.LABS_RECORDING_MIB * 1024 * 1024)
    recorder = Recorder(get_driver(), shelf.DatabaseShelf(), limits)

    async def look() -> None:
        recorder.follow(await database_sync_to_async(shelf.spots)())
        await database_sync_to_async(shelf.end_left)(recorder.busy_with)

    try:
        await stand_by(Attendant.Name.RECORDER, look, trouble=ShelfTrouble)
    finally:
        await recorder.close()
