"""One line for every request, and the request's id on every line that is logged while it is answered."""

import re
from typing import Any

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
FOREIGN = ("HTTP_X_REQUEST_ID", "HTTP_X_CORRELATION_ID")


class RequestLog(RequestMiddleware):
    """As its parent's, and nothing in it that a stranger chose at will or that opens a door."""

    def prepare(self, request: HttpRequest) -> None:
        """A proxy's request id is taken over when it looks like one."""
        for name in FOREIGN:
            if not REQUEST_ID.fullmatch(request.META.get(name, "")):
                request.META.pop(name, None)
        super().prepare(request)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Without the query: search words are the person's own, and some links carry a token there."""
        return f"{request.method} {request.path}"

    def process_view(self, _request: HttpRequest, _view: Any, _args: Any, kwargs: dict[str, Any]) -> None:
        """Lines about a lab session carry its id."""
        if "session_id" in kwargs:
            structlog.contextvars.bind_contextvars(lab_session=str(kwargs["session_id"]))
