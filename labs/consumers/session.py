"""The events of a lab session."""

import asyncio
import logging
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import override

from labs import bodies, queueing, visitors
from labs.about import about
from labs.consumers.page import PageConsumer
from labs.consumers.seats import Code, Goodbye, Seat
from labs.models import CheckResult, LabCheck, LabSession
from labs.notices import group_of
from labs.sessions import session_of
from labs.teaching import helping

log = logging.getLogger(__name__)


class SessionConsumer(PageConsumer):
    """Tells one page how its session stands: at connect, at every change, at every check."""

    async def enter(self) -> None:
        about(lab_session=self.scope["url_route"]["kwargs"]["session"])
        session = await self.permitted()
        self.leaving.enter_context(Seat(session.learner_id))
        group = group_of(self.scope["url_route"]["kwargs"]["session"])
        await self.channel_layer.group_add(group, self.channel_name)
        self.groups.append(group)
        await self.stay_seen(session)
        await self.tell_session()
        self.leaving.callback(asyncio.create_task(self.keep_permission()).cancel)

    async def permitted(self) -> LabSession:
        person = await visitors.person_behind(self.scope)
        if person is None:
            raise Goodbye(Code.NOT_SIGNED_IN)
        try:
            return await database_sync_to_async(session_of)(
                person, self.scope["url_route"]["kwargs"]["session"]
            )
        except LabSession.DoesNotExist as error:
            raise Goodbye(Code.NOT_FOUND) from error

    async def keep_permission(self) -> None:
        while True:
            await asyncio.sleep(settings.LABS_SOCKET_RECHECK_SECONDS)
            try:
                await self.stay_seen(await self.permitted())
            except Goodbye as goodbye:
                await self.close(code=goodbye.code)
                return
            except DatabaseError as error:
                log.warning("permission of an open session socket could not be looked up: %s", error)

    async def stay_seen(self, session: LabSession) -> None:
        """While somebody has the page open, their place in the queue is kept."""
        if session.is_open and await database_sync_to_async(lambda: session.waiting_place)() is not None:
            await database_sync_to_async(queueing.seen)(session.pk)

    async def session_changed(self, _message: dict[str, Any]) -> None:
        await self.tell_session()

    async def session_help(self, _message: dict[str, Any]) -> None:
        body = await self.read_help()
        if body is not None:
            await self.tell(body)

    async def session_typing(self, message: dict[str, Any]) -> None:
        await self.tell({"type": "typing", "who": message["who"], "node": message["node"]})

    async def session_progress(self, message: dict[str, Any]) -> None:
        with override(self.language):
            detail = bodies.progress_words(message["phase"])
        await self.tell({"type": "progress", "phase": message["phase"], "detail": detail})

    async def session_check(self, message: dict[str, Any]) -> None:
        found = await self.read_check(message["result"])
        if found is not None:
            await self.tell(found)

    async def tell_session(self) -> None:
        body = await self.read_session()
        if body is not None:
            await self.tell(body)

    @database_sync_to_async
    def read_session(self) -> dict[str, Any] | None:
        with override(self.language):
            session = LabSession.objects.filter(pk=self.scope["url_route"]["kwargs"]["session"]).first()
            return {"type": "session", **bodies.session_body(session)} if session else None

    @database_sync_to_async
    def read_help(self) -> dict[str, Any] | None:
        with override(self.language):
            session = LabSession.objects.filter(pk=self.scope["url_route"]["kwargs"]["session"]).first()
            return {"type": "help", **helping.help_body(session)} if session else None

    @database_sync_to_async
    def read_check(self, result_id: int) -> dict[str, Any] | None:
        with override(self.language):
            found = CheckResult.objects.select_related("session__lab").filter(pk=result_id).first()
            if found is None:
                return None
            check = LabCheck.objects.filter(
                step__lab=found.session.lab_id, step__key=found.step, key=found.check_key
            ).first()
            if check is None:
                return None
            session = found.session
            past = bodies.Past.of(session, has_failures=not found.passed)
            body = bodies.check_body(session.lab, check, found, past)
            return {"type": "check", "step": found.step, **body}
