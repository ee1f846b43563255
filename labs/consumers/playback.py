"""The hands behind a playback: starts, holds and ends the typing as the page's buttons say."""

import asyncio
import json
from contextlib import suppress
from uuid import UUID

from channels.db import database_sync_to_async

from community.api import User
from labs import visitors
from labs.about import about
from labs.consumers.page import PageConsumer
from labs.consumers.seats import Code, Goodbye, Seat
from labs.models import LabSession
from labs.playback.player import Player, Standing
from labs.playback.typist import PACES
from labs.sessions import session_of


class PlaybackConsumer(PageConsumer):
    """Takes ``{"do": next | all | pause | stop, "pace": ...}`` and tells how the playback stands."""

    player: Player
    playing: asyncio.Task[None] | None = None

    async def enter(self) -> None:
        session_id = self.scope["url_route"]["kwargs"]["session"]
        about(lab_session=session_id)
        session = await self.permitted(session_id)
        self.leaving.enter_context(Seat(session.learner_id))
        self.player = await database_sync_to_async(Player.of)(session, self.stand)
        await self.stand(self.player.standing("ready"))

    async def permitted(self, session_id: UUID) -> LabSession:
        person = await visitors.person_behind(self.scope)
        if person is None:
            raise Goodbye(Code.NOT_SIGNED_IN)
        session = await database_sync_to_async(self.session_to_play)(person, session_id)
        if session is None:
            raise Goodbye(Code.NOT_FOUND)
        return session

    @staticmethod
    def session_to_play(person: User, session_id: UUID) -> LabSession | None:
        """For whoever may see the solution; for everybody else there is nothing here."""
        with suppress(LabSession.DoesNotExist):
            session = session_of(person, session_id)
            if session.is_playback and person.has_perm("labs.play_solution", session.lab):
                return session
        return None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            wish = json.loads(text_data or "")
            do, pace = wish["do"], PACES[wish.get("pace", "normal")]
        except (ValueError, KeyError, TypeError):
            await self.close(code=Code.BAD_FRAME)
            return
        self.player.pace = pace
        if do == "pause":
            self.player.is_pausing = True
        elif do == "stop":
            await self.stop()
            await self.stand(self.player.standing("ready"))
        elif do in {"next", "all"} and (self.playing is None or self.playing.done()):
            try:
                await self.permitted(self.scope["url_route"]["kwargs"]["session"])
            except Goodbye as goodbye:
                await self.close(code=goodbye.code)
                return
            self.playing = asyncio.create_task(self.player.play(to_the_end=do == "all"))

    async def disconnect(self, code: int) -> None:
        await self.stop()

    async def stop(self) -> None:
        if self.playing is not None:
            self.playing.cancel()
            with suppress(asyncio.CancelledError):
                await self.playing
            self.playing = None

    async def stand(self, standing: Standing) -> None:
        await self.tell(standing.as_frame())
