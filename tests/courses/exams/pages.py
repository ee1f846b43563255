"""A candidate's end of the sitting's websocket, in process."""

import json

from channels.routing import URLRouter

from courses.routing import websocket_urlpatterns
from tests.labs.sockets import Socket

PATH = "/ws/exams/sitting/"


class Page(Socket):
    """A candidate's page."""

    def __init__(self, *headers) -> None:
        super().__init__(PATH, *headers, application=URLRouter(websocket_urlpatterns))

    async def say(self, **message) -> None:
        await self.send_text(json.dumps(message))

    async def hear(self, kind: str) -> dict:
        """The next message of that kind; a closing is told as one of the kind "closed"."""
        while True:
            told = await self.receive(20)
            message = {"type": "closed", **told} if "code" in told else json.loads(told["text"])
            if told["type"] == "websocket.close":
                message["type"] = "closed"
            if message["type"] == kind:
                return message
