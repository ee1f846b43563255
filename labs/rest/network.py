"""The way out of a session's machines: what may be reached, and what was asked."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from labs.egress import showing
from labs.models import LabSession
from labs.rest.answers import REFUSED, Lang, speaking

router = Router(tags=["labs"])


class EgressRequestBody(Schema):
    id: str
    at: datetime
    node: str
    method: str
    host: str
    port: int
    address: str | None = Field(description="Where it was led; null for one that was refused before.")
    verdict: str = Field(description="Why it was refused, or what became of it.")
    words: str = Field(description="The verdict for people.")
    refused: bool
    bytes_up: int
    bytes_down: int
    duration_ms: int | None = Field(description="Null while it lasts.")


class NetworkBody(Schema):
    hosts: list[str] = Field(description="What the lab lets its machines reach; none: nothing.")
    total: int
    page: int
    pages: int
    requests: list[EgressRequestBody] = Field(description="Newest first, at most 200.")


@router.get(
    "/lab-sessions/{uuid:session_id}/network",
    response={200: NetworkBody, **REFUSED},
    summary="The way out",
)
def network(
    request: HttpRequest,
    session_id: UUID,
    q: str = Query("", max_length=200, description="Words of the host or the machine."),
    refused: bool = Query(False, description="Only what was refused."),
    page: int = 1,
    lang: str = Lang,
) -> Any:
    """What the machines asked of the outside, for their learner, who teaches them, and operators."""
    with speaking(lang):
        session = LabSession.objects.select_related("lab").get(pk=session_id)
        if not request.auth.has_perm("labs.see_network", session):  # type: ignore[attr-defined]
            raise LabSession.DoesNotExist
        found = showing.requests_of(session, words=q, refused=refused, page=page)
        return showing.network_body(session, found)
