"""Learning with help over HTTP: hints that cost points."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Path, Router

from labs import bodies
from labs.models import LabCheck
from labs.rest.common import REFUSED, Lang, mine, speaking
from labs.rest.sessions import SessionBody
from labs.teaching import hints

router = Router(tags=["teaching"])


@router.post(
    "/lab-sessions/{uuid:session_id}/checks/{slug:step}/{slug:check}/hints/{int:number}",
    response={200: SessionBody, **REFUSED},
    summary="Open a hint",
)
def open_hint(
    request: HttpRequest,
    session_id: UUID,
    step: str,
    check: str,
    number: int = Path(le=100),
    lang: str = Lang,
) -> Any:
    """Opens the hint that the check offers as `hint_next`, for `hint_cost` points; repeating changes nothing."""
    with speaking(lang):
        session = mine(request, session_id)
        wanted = LabCheck.objects.select_related("step")
        found = get_object_or_404(wanted, step__lab=session.lab_id, step__key=step, key=check)
        hints.open_hint(session, found, number)
        return bodies.session_body(session)
