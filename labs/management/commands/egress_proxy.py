"""manage.py egress_proxy: leads the programs of running labs out to the hosts their lab lists, until it is told to stop."""

import asyncio
import resource
from pathlib import Path
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.core.management.base import BaseCommand

from labs.egress.ledger import DatabaseLedger, end_left, leaves
from labs.egress.outlet import Limits, Outlet
from labs.engine import get_driver
from labs.management.standing_by import be_alone, stand_by
from labs.models import Attendant


class Command(BaseCommand):
    help = "Lead running labs' programs out to listed hosts. One process per host; a second one waits for the first."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        be_alone(Path(settings.VAR_DIR) / "egress.lock")
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        asyncio.run(lead_out())


async def lead_out() -> None:
    """Every node that has a way out is attended until the process is told to stop; then everything asked is written."""
    ledger = DatabaseLedger()
    outlet = Outlet(get_driver(), ledger, limits=Limits(connections=settings.LABS_EGRESS_CONNECTIONS))

    async def look() -> None:
        outlet.follow(await database_sync_to_async(leaves)(outlet.sessions))

    try:
        await database_sync_to_async(end_left)()
        await stand_by(Attendant.Name.EGRESS, look)
    finally:
        await outlet.close()
        await ledger.close()
