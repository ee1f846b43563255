"""What people see of the way out: the lab's list, and what its machines asked."""

from typing import Any

from django.core.paginator import Page, Paginator

from labs.models import EgressRequest, LabSession
from labs.models.egress import Verdict

PER_PAGE = 200
MOST_WORDS = 200


def requests_of(session: LabSession, *, words: str = "", refused: bool = False, page: int | str = 1) -> Page:
    """The session's requests, newest first, those that match; the nearest page when there is no such page."""
    found = session.egress_requests.matching(words[:MOST_WORDS])
    return Paginator(found.refused() if refused else found, PER_PAGE).get_page(page)


def network_body(session: LabSession, page: Page) -> dict[str, Any]:
    """The list and one page of requests as JSON says them, words in the language in use."""
    return {
        "hosts": session.egress,
        "total": page.paginator.count,
        "page": page.number,
        "pages": page.paginator.num_pages,
        "requests": [_request_body(request) for request in page],
    }


def _request_body(request: EgressRequest) -> dict[str, Any]:
    return {
        "id": str(request.pk),
        "at": request.at,
        "node": request.node,
        "method": request.method,
        "host": request.host,
        "port": request.port,
        "address": request.address,
        "verdict": request.verdict,
        "words": str(Verdict(request.verdict).label),
        "refused": request.is_refused,
        "bytes_up": request.bytes_up,
        "bytes_down": request.bytes_down,
        "duration_ms": request.duration_ms,
    }
