"""A session's machines, frozen and woken."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from labs import bodies, elasticity, sessions
from labs.rest.answers import REFUSED, Lang, mine, speaking
from labs.rest.sessions import SessionBody

router = Router(tags=["labs"])


class SizeWish(Schema):
    cpus: float = Field(gt=0, le=64, description="Processors; thousandths count.")
    memory_mib: int = Field(gt=0, le=1_048_576, description="What the node's programs get.")


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


@router.post(
    "/lab-sessions/{uuid:session_id}/nodes/{slug:node}/size",
    response={202: SessionBody, **REFUSED},
    summary="Resize a running node",
)
def resize(request: HttpRequest, session_id: UUID, node: str, size: SizeWish, lang: str = Lang) -> Any:
    """The node keeps running and has other limits, within the range in its `size`; watch `size.changing` until false.

    `size.problem` says why it kept its size: memory that is in use cannot be taken away.
    """
    wish = elasticity.Size(round(size.cpus * 1000), size.memory_mib)
    with speaking(lang):
        session = mine(request, session_id)
        elasticity.resize_node(session, node, wish)
        return Status(202, bodies.session_body(session))
