"""Learners as programs: they start labs over HTTP and open terminals over websockets, as a browser does."""

import asyncio
import json
import time
from contextlib import suppress
from typing import Any, Self

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bench.raw import PROMPT
from tests.stack import Stack

PATIENCE_S = 60
# One person may start this many labs in an hour; the next wish is the next person's.
STARTS_EACH = 25

MAKE_LEARNERS = """
from community.models import ApiToken, User
for number in range({first}, {last}):
    person, _made = User.objects.get_or_create(username=f"bench{{number}}", defaults={{"email": f"bench{{number}}@example.org"}})
    print(ApiToken.issue(person, "bench"))
"""


class Learner:
    """One person with a token and a connection that is kept."""

    def __init__(self, product: Stack, token: str) -> None:
        self.product, self.token = product, token
        self.headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.AsyncClient(
            base_url=f"{product.url}/api/v1", headers=self.headers, timeout=PATIENCE_S
        )

    async def __aenter__(self) -> Self:
        (await self.http.get("/labs")).raise_for_status()  # the connection is open, as a browser's is
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.http.aclose()

    async def start(self, lab: str) -> tuple[dict[str, Any], float]:
        """The session, and the milliseconds from the click to the first prompt of every node."""
        began = time.perf_counter()
        answer = await self.http.post("/lab-sessions", json={"lab": lab})
        answer.raise_for_status()
        session = answer.json()
        if session["state"] != "ready":
            await self._until_ready(session["id"])
        await asyncio.gather(*(self._first_prompt(node["terminal"]) for node in session["nodes"]))
        return session, (time.perf_counter() - began) * 1000

    async def leave(self, session: dict[str, Any]) -> None:
        (await self.http.delete(f"/lab-sessions/{session['id']}")).raise_for_status()

    async def _until_ready(self, session_id: str) -> None:
        address = f"{self.product.url.replace('http', 'ws')}/ws/labs/sessions/{session_id}/events/"
        async with asyncio.timeout(PATIENCE_S), connect(address, additional_headers=self.headers) as events:
            async for frame in events:
                told = json.loads(frame)
                if told["type"] == "session" and told["state"] == "ready":
                    return
        raise ConnectionError("the session's events ended before it was ready")

    async def _first_prompt(self, path: str) -> None:
        address = f"{self.product.url.replace('http', 'ws')}{path}?offset=0"
        seen = b""
        with suppress(ConnectionClosed):
            async with (
                asyncio.timeout(PATIENCE_S),
                connect(address, additional_headers=self.headers) as terminal,
            ):
                async for frame in terminal:
                    seen += frame if isinstance(frame, bytes) else b""
                    if PROMPT in seen:
                        return
        raise ConnectionError(f"no prompt at {path}")


def tokens(product: Stack, count: int) -> list[str]:
    """New tokens of as many people."""
    return product.manage("shell", "--no-imports", "-c", MAKE_LEARNERS.format(first=0, last=count)).split()
