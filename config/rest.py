"""The REST API's switchboard: one NinjaAPI, one router per app, and one form of error."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from community.api import BearerToken, SessionUser
from labs.files.refusals import FileTooBig, NodeSilent, NotText
from labs.refusals import (
    BudgetUsedUp,
    HostFull,
    NoEngine,
    NotPossibleNow,
    QuotaExceeded,
    Refusal,
    TooOften,
)
from labs.rest import not_found_words
from labs.rest import router as labs_router

api = NinjaAPI(
    title="Yunlian",
    version="1",
    description=(
        "Labs on demand. Bearer tokens are made on the account page or by manage.py create_token. "
        "Every error is JSON with detail (what happened), code (for programs) and remedy (what to do)."
    ),
    auth=[BearerToken(), SessionUser()],
)
api.add_router("", labs_router)

STATUS_OF: tuple[tuple[type[Refusal], int], ...] = (
    (QuotaExceeded, 429),
    (TooOften, 429),
    (BudgetUsedUp, 409),
    (HostFull, 503),
    (NoEngine, 503),
    (NotPossibleNow, 409),
    (FileTooBig, 413),
    (NotText, 415),
    (NodeSilent, 503),
)


def problem(
    request: HttpRequest, status: int, code: str, detail: str, remedy: str = "", **more: Any
) -> HttpResponse:
    """The one form of every error."""
    body = {"detail": detail, "code": code, "remedy": remedy, **more}
    response = api.create_response(request, body, status=status)
    response.headers["Content-Type"] = "application/problem+json; charset=utf-8"
    return response


@api.exception_handler(Refusal)
def on_refusal(request: HttpRequest, error: Refusal) -> HttpResponse:
    status = next((status for kind, status in STATUS_OF if isinstance(error, kind)), 409)
    response = problem(request, status, error.code, str(error.message), str(error.remedy))
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


@api.exception_handler(Http404)
@api.exception_handler(ObjectDoesNotExist)
def on_not_found(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(request, 404, "not_found", not_found_words(error))


@api.exception_handler(AuthenticationError)
def on_nobody(request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    response = problem(
        request,
        401,
        "not_signed_in",
        _("Nobody is signed in, or the token is not valid."),
        _("Sign in, or send Authorization: Bearer with a token from your account page."),
    )
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(PermissionDenied)
def on_denied(request: HttpRequest, _error: PermissionDenied) -> HttpResponse:
    return problem(request, 403, "forbidden", _("You may not do this."))


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 403 and not request.COOKIES.get(SessionUser.param_name):
        # Without a session there was nothing that a missing CSRF token could protect.
        return on_nobody(request, AuthenticationError())
    return problem(request, error.status_code, f"http_{error.status_code}", str(error))


@api.exception_handler(ValidationError)
def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = [
        {"field": ".".join(str(part) for part in found["loc"]), "message": found["msg"]}
        for found in error.errors
    ]
    return problem(
        request,
        422,
        "invalid",
        _("The request is not as documented."),
        _("See /api/v1/docs."),
        fields=fields,
    )
