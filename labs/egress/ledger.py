"""Requests in the database: who may go out, what was asked, what is forgotten."""

import asyncio
import logging
from collections.abc import Iterable, Set
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.db.models import F, QuerySet, Sum
from django.utils import timezone

from labs.allowlist import BadEntry, Entry, parse
from labs.egress.outlet import Leave, Place
from labs.egress.proxy import Entered
from labs.models import EgressRequest, LabSession, Node
from labs.models.egress import Verdict

log = logging.getLogger(__name__)

MIB = 1024 * 1024
FLUSH_EVERY_S = 0.5
TROUBLE_PAUSE_S = 2.0
UNWRITTEN = 2000
TOLD_LATER = ("verdict", "address", "bytes_up", "bytes_down", "duration_ms")


def leaves(met: Set[str] = frozenset()) -> dict[Place, Leave]:
    """Every node that runs for somebody and has a way out. Raises DatabaseError.

    What sessions transferred before is looked up for those that were not ``met`` yet.
    """
    found = [
        (Place(str(session.pk), node.sandbox.ref, node.name), _entries(session.egress))
        for node in _nodes()
        if (session := node.sandbox.session) is not None
    ]
    spent = _spent({place.session for place, _listed in found} - met)
    most = settings.LABS_EGRESS_MIB * MIB
    return {place: Leave(entries, most - spent.get(place.session, 0)) for place, entries in found}


def _nodes() -> QuerySet[Node]:
    session, lab = "sandbox__session", "sandbox__session__lab"
    return (
        Node.objects.attended()
        .filter(egress=True)
        .select_related(lab)
        .only("name", "sandbox__ref", f"{session}__mode", f"{lab}__egress", f"{lab}__exam_egress")
    )


def _entries(listed: Iterable[str]) -> tuple[Entry, ...]:
    try:
        return parse(listed)
    except BadEntry as error:
        log.warning("a lab's list is not to be read, and lets nothing pass: %s", error)
        return ()


def _spent(sessions: set[str]) -> dict[str, int]:
    if not sessions:
        return {}
    sums = (
        EgressRequest.objects.filter(session__in=[UUID(session) for session in sessions])
        .order_by()
        .values("session")
        .annotate(spent=Sum(F("bytes_up") + F("bytes_down")))
    )
    return {str(row["session"]): row["spent"] or 0 for row in sums}


def write(entered: Iterable[Entered]) -> None:
    """Each is in the database as it was entered last. Raises DatabaseError."""
    rows = list(entered)
    known = set(LabSession.objects.filter(pk__in={row.session for row in rows}).values_list("pk", flat=True))
    EgressRequest.objects.bulk_create(
        [
            EgressRequest(session_id=UUID(row.session), **_fields(row))
            for row in rows
            if UUID(row.session) in known
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=TOLD_LATER,
    )


def _fields(row: Entered) -> dict[str, object]:
    return {name: value for name, value in asdict(row).items() if name != "session"}


def end_left() -> int:
    """Requests that nobody attends any more are over, since whoever did was killed; how many were."""
    return EgressRequest.objects.filter(duration_ms=None).update(verdict=Verdict.BROKEN_OFF, duration_ms=0)


def forget_old() -> int:
    """Requests older than LABS_EGRESS_DAYS are gone; how many went."""
    limit = timezone.now() - timedelta(days=settings.LABS_EGRESS_DAYS)
    gone, _models = EgressRequest.objects.older_than(limit).delete()
    return gone


class DatabaseLedger:
    """Writes what was entered, many in one go; while the database is away it is kept, and whoever enters waits."""

    def __init__(self) -> None:
        self._unwritten: dict[UUID, Entered] = {}
        self._changed = asyncio.Condition()
        self._writing = asyncio.create_task(self._write_again_and_again())

    async def enter(self, entered: Entered) -> None:
        async with self._changed:
            await self._changed.wait_for(
                lambda: len(self._unwritten) < UNWRITTEN or entered.id in self._unwritten
            )
            self._unwritten[entered.id] = entered
            self._changed.notify_all()

    async def close(self) -> None:
        """What was entered is written, unless the database is away."""
        self._writing.cancel()
        await asyncio.gather(self._writing, return_exceptions=True)
        await self._flush()

    async def _write_again_and_again(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._unwritten)
            await asyncio.sleep(FLUSH_EVERY_S if await self._flush() else TROUBLE_PAUSE_S)

    async def _flush(self) -> bool:
        taken = dict(self._unwritten)
        if not taken:
            return True
        try:
            await database_sync_to_async(write)(taken.values())
        except DatabaseError as error:
            log.warning("requests to the outside cannot be written yet: %s", error)
            return False
        async with self._changed:
            for key, entered in taken.items():
                if self._unwritten.get(key) is entered:
                    del self._unwritten[key]
            self._changed.notify_all()
        return True
