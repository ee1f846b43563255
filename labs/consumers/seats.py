"""What every socket of the labs shares: why it is closed, and how many one person may hold."""

from collections import Counter
from enum import IntEnum
from typing import Any

from django.conf import settings

sockets_of: Counter[int] = Counter()


class Code(IntEnum):
    """Why a socket was closed; docs/terminal-protocol.md says what a client does about each."""

    SHELL_ENDED = 4000
    BAD_FRAME = 4400
    NOT_SIGNED_IN = 4401
    NOT_FOUND = 4404
    ENDED = 4410
    TOO_MUCH = 4413
    FROZEN = 4423
    NOT_YET = 4425
    TOO_MANY = 4429
    BROKEN = 4500
    NODE_WENT = 4502
    NO_ENGINE = 4503


class Goodbye(Exception):
    """The socket is to be closed with ``code``."""

    def __init__(self, code: Code, notice: dict[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.notice = notice


class Seat:
    """The bounded count of one person's sockets in this process, held while the socket is open."""

    def __init__(self, person_id: int) -> None:
        self.person_id = person_id

    def __enter__(self) -> None:
        if sockets_of[self.person_id] >= settings.LABS_SOCKETS_PER_PERSON:
            raise Goodbye(Code.TOO_MANY)
        sockets_of[self.person_id] += 1

    def __exit__(self, *_error: object) -> None:
        sockets_of[self.person_id] -= 1
        if sockets_of[self.person_id] <= 0:
            del sockets_of[self.person_id]
