"""What was done to attempts is told to the pages that sit them: one look at the events per process every two seconds.

No message is relied upon: whoever granted time wrote an event, and every web process reads the events of the last
half minute, so that one whose transaction took longer than its neighbours' is found as well.
"""

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from courses.exams.desk import standing
from courses.models import Attempt, AttemptEvent

EVERY_S = 2.0
LOOK_BACK = timedelta(seconds=30)
TOLD = (
    AttemptEvent.Kind.TIME_GRANTED,
    AttemptEvent.Kind.PAUSED,
    AttemptEvent.Kind.RESUMED,
    AttemptEvent.Kind.OUTAGE,
    AttemptEvent.Kind.MESSAGE,
    AttemptEvent.Kind.ENDED,
    AttemptEvent.Kind.VOIDED,
)
log = structlog.get_logger(__name__)


class Page(Protocol):
    async def tell(self, body: dict[str, Any]) -> None: ...


class Watch:
    """The pages of this process by attempt; looks as long as there are any."""

    def __init__(self) -> None:
        self.pages: dict[UUID, set[Page]] = defaultdict(set)
        self.looking: asyncio.Task[None] | None = None

    def join(self, attempt: UUID, page: Page) -> None:
        self.pages[attempt].add(page)
        if self.looking is None or self.looking.done():
            self.looking = asyncio.ensure_future(self._look())

    def leave(self, attempt: UUID, page: Page) -> None:
        self.pages[attempt].discard(page)
        if not self.pages[attempt]:
            del self.pages[attempt]

    async def _look(self) -> None:
        """Whatever is younger than the look back is told, at the first look too: a page may have opened just before."""
        seen: set[int] = set()
        while self.pages:
            await asyncio.sleep(EVERY_S)
            try:
                found = await database_sync_to_async(recent)()
                await self._tell({found[event] for event in found.keys() - seen} & self.pages.keys())
                seen = set(found)
            except DatabaseError as error:
                log.warning("events of attempts could not be read", error=str(error))

    async def _tell(self, attempts: set[UUID]) -> None:
        told = [
            asyncio.ensure_future(page.tell(body))
            for attempt, body in (await database_sync_to_async(bodies)(attempts) if attempts else {}).items()
            for page in list(self.pages.get(attempt, ()))
        ]
        if told:
            # A page that reads nothing keeps nobody else waiting.
            await asyncio.wait(told, timeout=EVERY_S)


def recent() -> dict[int, UUID]:
    """The events of the last half minute that pages are told of, with their attempts."""
    events = AttemptEvent.objects.filter(at__gte=timezone.now() - LOOK_BACK, kind__in=TOLD)
    return dict(events.values_list("pk", "attempt_id"))


def bodies(attempts: set[UUID]) -> dict[UUID, dict[str, Any]]:
    """How each attempt stands, and the last message to it with its number, by which a page shows it once."""
    found = Attempt.objects.filter(pk__in=attempts).prefetch_related("stops")
    sent = AttemptEvent.objects.filter(attempt__in=attempts, kind=AttemptEvent.Kind.MESSAGE).order_by("pk")
    messages = {event.attempt_id: {"id": event.pk, "text": event.detail.get("text", "")} for event in sent}
    return {attempt.pk: {**standing(attempt), "message": messages.get(attempt.pk)} for attempt in found}


watch = Watch()
