"""A session's machines, frozen and woken."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status

from labs import bodies, sessions
from labs.rest.common import REFUSED, Lang, mine, speaking
from labs.rest.sessions import SessionBody

router = Router(tags=["labs"])


@router.post(
    "/lab-sessions/{uuid:session_id}/suspend",
    response={202: SessionBody, **REFUSED},
    summary="Freeze the machines",
)
def suspend(request: HttpRequest, session_id: UUID, lang: str = Lang) -> Any:
    """Programs stand still and lose nothing; processors are no longer counted. 409 while checks run."""
    with speaking(lang):
        return Status(202, bodies.session_body(sessions.suspend(mine(request, session_id))))


@router.post(
    "/lab-sessions/{uuid:session_id}/resume",
    response={202: SessionBody, **REFUSED},
    summary="Wake the machines",
)
def resume(request: HttpRequest, session_id: UUID, lang: str = Lang) -> Any:
    """Programs go on where they stood. Attaching a terminal, a check and a restart wake the machines, too."""
    with speaking(lang):
        return Status(202, bodies.session_body(sessions.resume(mine(request, session_id))))
