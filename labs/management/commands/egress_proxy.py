"""manage.py egress_proxy: leads the programs of running labs out to the hosts their lab lists, until it is told to stop."""

import asyncio
import fcntl
import logging
import os
import resource
import signal
from pathlib import Path
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError

from labs.egress.ledger import DatabaseLedger, end_left, leaves
from labs.egress.outlet import Limits, Outlet
from labs.engine import get_driver

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
TROUBLE_PAUSE_S = 5.0


class Command(BaseCommand):
    help = "Lead running labs' programs out to listed hosts. One process per host; a second one waits for the first."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        lock = os.open(Path(settings.VAR_DIR) / "egress.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        asyncio.run(lead_out())


async def lead_out() -> None:
    """Every node that has a way out is attended until SIGTERM or SIGINT; then everything asked is written."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    ledger = DatabaseLedger()
    outlet = Outlet(get_driver(), ledger, limits=Limits(connections=settings.LABS_EGRESS_CONNECTIONS))
    try:
        await database_sync_to_async(end_left)()
        while not stopping.is_set():
            pause_s = LOOK_EVERY_S
            try:
                outlet.follow(await database_sync_to_async(leaves)(outlet.sessions))
            except DatabaseError as error:
                log.warning("the sessions with a way out cannot be looked up: %s", error)
                pause_s = TROUBLE_PAUSE_S
            try:
                await asyncio.wait_for(stopping.wait(), pause_s)
            except TimeoutError:
                continue
    finally:
        await outlet.close()
        await ledger.close()
