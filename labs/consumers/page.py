"""A socket that only tells its page how things stand, and takes nothing from it."""

import json
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer
from django.core.serializers.json import DjangoJSONEncoder

from labs import visitors
from labs.consumers.seats import Code, Goodbye


class PageConsumer(AsyncWebsocketConsumer):
    """The first and the last of it; ``enter`` says who may have it and what it is told."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """As its parent's; what was entered into ``leaving`` is given back whatever ends it, a lost broker included."""
        with ExitStack() as self.leaving:
            await super().__call__(scope, receive, send)

    async def connect(self) -> None:
        if not visitors.may_knock(self.scope):
            await self.close(code=Code.NOT_SIGNED_IN)
            return
        await self.accept()
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        self.language = visitors.language_of(self.scope, query.get("lang", [""])[0])
        try:
            await self.enter()
        except Goodbye as goodbye:
            await self.close(code=goodbye.code)

    async def enter(self) -> None:
        """A seat is taken and the page is told from now on. Raises Goodbye to whoever may not have it."""
        raise NotImplementedError

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.close(code=Code.BAD_FRAME)

    async def tell(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(frame, cls=DjangoJSONEncoder))
