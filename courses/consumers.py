"""The websocket of a sitting: answers in, acknowledgements, clock and messages out.

It knows its attempt by the signed token of the page alone, asks the database once when it opens, and joins no channel
layer: five thousand of these live in one process.
"""

import asyncio
import json
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from courses.exams import watching
from courses.exams.answers import AnswerRefused
from courses.exams.desk import Desk, open_desk
from courses.exams.saving import Change, Outcome
from courses.exams.sitting import read_token
from courses.exams.writer import writer
from labs.api import comes_from_our_pages

HELLO_S = 10


class Code:
    """Close codes, from the range that is free for applications (RFC 6455, 7.4.2)."""

    MALFORMED = 4400
    REFUSED = 4401
    SLOW = 4408
    ELSEWHERE = 4410
    TOO_MANY = 4429


class SittingConsumer(AsyncWebsocketConsumer):
    """One browser in one attempt."""

    channel_layer_alias = "no layer"
    desk: Desk | None = None
    watched: UUID | None = None
    waiting = 0
    patience: asyncio.TimerHandle | None = None

    async def connect(self) -> None:
        if not comes_from_our_pages(self.scope):
            await self.close(Code.REFUSED)
            return
        await self.accept()
        self.patience = asyncio.get_running_loop().call_later(HELLO_S, self._lose_patience)

    def _lose_patience(self) -> None:
        self.closing = asyncio.ensure_future(self.close(Code.SLOW))

    async def disconnect(self, code: int) -> None:
        if self.patience is not None:
            self.patience.cancel()
        if self.watched is not None:
            watching.watch.leave(self.watched, self)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data is None or len(text_data) > settings.COURSES_EXAM_MESSAGE_CHARACTERS:
            await self.close(Code.MALFORMED)
            return
        try:
            message = json.loads(text_data)
            verb = {"hello": self.hello, "save": self.save, "ping": self.pong}[message["type"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            await self.close(Code.MALFORMED)
            return
        await verb(message)

    async def hello(self, message: dict[str, Any]) -> None:
        """The page says by its token which attempt it sits; it is told how the attempt stands."""
        ticket = read_token(str(message.get("token", "")))
        if ticket is None or self.desk is not None:
            await self.close(Code.REFUSED)
            return
        # Watched before it is read, so that nothing falls between.
        watching.watch.join(ticket.attempt, self)
        self.watched = ticket.attempt
        desk = await database_sync_to_async(open_desk)(ticket)
        if desk is None:
            await self.close(Code.ELSEWHERE)
            return
        if self.patience is not None:
            self.patience.cancel()
        self.desk = desk
        await self.tell(desk.begun)

    async def save(self, message: dict[str, Any]) -> None:
        """The change goes to the writer; the acknowledgement follows its commit, and reading goes on meanwhile."""
        received_at = timezone.now()
        desk = self.desk
        if desk is None:
            await self.close(Code.REFUSED)
            return
        if self.waiting >= settings.COURSES_EXAM_UNACKNOWLEDGED:
            await self.close(Code.TOO_MANY)
            return
        try:
            slot, sequence = desk.place(message)
            answer = desk.checked(slot, message.get("answer"))
        except AnswerRefused as refused:
            await self.tell(
                {
                    "type": "refused",
                    "slot": message.get("slot"),
                    "sequence": message.get("sequence"),
                    "why": str(refused),
                }
            )
            return
        told = writer.keep(Change(desk.attempt, desk.epoch, slot, sequence, answer, received_at))
        self.waiting += 1
        acknowledging = asyncio.wrap_future(told)
        acknowledging.add_done_callback(lambda done: self._acknowledge(slot, sequence, done))

    def _acknowledge(self, slot: int, sequence: int, done: "asyncio.Future[Any]") -> None:
        self.waiting -= 1
        self.acknowledging = asyncio.ensure_future(self._tell_outcome(slot, sequence, done))

    async def _tell_outcome(self, slot: int, sequence: int, done: "asyncio.Future[Any]") -> None:
        if done.cancelled():
            return
        if isinstance(done.exception(), DatabaseError):
            # Not kept: the browser holds it and sends it again.
            await self.tell({"type": "not_kept", "slot": slot, "sequence": sequence})
            return
        saving = done.result()
        await self.tell(
            {
                "type": "kept",
                "slot": slot,
                "sequence": sequence,
                "outcome": saving.outcome,
                "count": saving.count,
                "link": saving.link,
                "reached": saving.reached,
            }
        )
        if saving.outcome == Outcome.ELSEWHERE:
            await self.close(Code.ELSEWHERE)

    async def pong(self, _message: dict[str, Any]) -> None:
        await self.tell({"type": "pong", "now": timezone.now().isoformat()})

    async def tell(self, body: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(body, ensure_ascii=False, separators=(",", ":")))
