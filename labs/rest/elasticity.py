"""A session's machines, frozen and woken."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from labs import bodies, elasticity, sessions
from labs.rest.answers import REFUSED, Lang, mine, speaking
from labs.rest.sessions import SessionBody

router = Router(tags=["labs"])


class SizeWish(Schema):
    cpus: float = Field(gt=0, le=64, description="Processors; thousandths count.")
    memory_mib: int = Field(gt=0, le=1_048_576, description="What the node's programs get.")


class PriceChange(Schema):
    before: str = Field(description="What holding the node costs in an hour now, with its currency's sign.")
    after: str
    difference: str = Field(description="With + or −.")


class Outlook(Schema):
    price: PriceChange | None = Field(description="Null where nothing costs.")
    lasts_s: int | None = Field(description="How long your allowances last then; null where none limits it.")
    words: str = Field(description="The same in a sentence or two; empty when there is nothing to say.")


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


@router.get(
    "/lab-sessions/{uuid:session_id}/nodes/{slug:node}/size",
    response={200: Outlook, **REFUSED},
    summary="What another size would cost",
)
def outlook(
    request: HttpRequest,
    session_id: UUID,
    node: str,
    cpus: float = Query(gt=0, le=64),
    memory_mib: int = Query(gt=0, le=1_048_576),
    lang: str = Lang,
) -> Any:
    """The price of an hour before and after, and how long what is left of your allowances would last; changes nothing."""
    with speaking(lang):
        size = elasticity.Size(round(cpus * 1000), memory_mib)
        return bodies.outlook_body(elasticity.outlook(mine(request, session_id), node, size))
