"""The instructor's wall: how a class stands, and small live pictures of its terminals."""

import asyncio
import logging
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import override

from community.api import User
from labs import visitors
from labs.consumers.page import PageConsumer
from labs.consumers.seats import Code, Goodbye, Seat
from labs.engine import get_driver
from labs.models import TaughtClass
from labs.teaching.board import Board, board_of
from labs.teaching.tails import Tails

log = logging.getLogger(__name__)


class WallConsumer(PageConsumer):
    """Tells one instructor every LABS_WALL_SECONDS what has changed; one bounded round after another."""

    async def enter(self) -> None:
        self.leaving.enter_context(Seat((await self.permitted())[0].pk))
        self.leaving.callback(asyncio.create_task(self.show()).cancel)

    async def permitted(self) -> tuple[User, TaughtClass]:
        """Who looks at which class, asked anew in every round."""
        person = await visitors.person_behind(self.scope)
        if person is None:
            raise Goodbye(Code.NOT_SIGNED_IN)
        taught = await self.class_of(person)
        if taught is None:
            raise Goodbye(Code.NOT_FOUND)
        return person, taught

    @database_sync_to_async
    def class_of(self, person: User) -> TaughtClass | None:
        taught = TaughtClass.objects.filter(pk=self.scope["url_route"]["kwargs"]["taught"]).first()
        return taught if taught is not None and person.has_perm("labs.teach_class", taught) else None

    @database_sync_to_async
    def read_board(self, taught: TaughtClass, person: User) -> Board:
        with override(self.language):
            return board_of(taught, person)

    async def show(self) -> None:
        """Rounds until the permission or the socket is gone; a database that is away skips one."""
        tails = Tails(get_driver())
        told: list[dict[str, Any]] | None = None
        try:
            while True:
                try:
                    told = await self.round(tails, told)
                except DatabaseError as error:
                    log.warning("a round of a wall was skipped: %s", error)
                await asyncio.sleep(settings.LABS_WALL_SECONDS)
        except Goodbye as goodbye:
            await self.close(code=goodbye.code)
        finally:
            await tails.stop()

    async def round(self, tails: Tails, told: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
        """The cards are told when they changed, and so is each picture."""
        board = await self.read_board(*reversed(await self.permitted()))
        await tails.look_at(board.watched)
        if board.cards != told:
            await self.tell({"type": "board", "cards": board.cards})
        pictures = await tails.changed()
        if pictures:
            await self.tell({"type": "pictures", "pictures": pictures})
        return board.cards
