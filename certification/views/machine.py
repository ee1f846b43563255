"""What programs read: the signed documents, the issuer's keys, the status lists; and the QR code's short address."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import condition, require_safe

from certification import documents, issuers, keys, publishing
from certification.inspection import PUBLIC_ID
from certification.limits import limited
from certification.models import Credential, Programme
from certification.status_list import Purpose
from certification.terms import Json

STATUS_SECONDS = 30
KEYS_SECONDS = 300


def _open(content: bytes | str, content_type: str, seconds: int) -> HttpResponse:
    """An answer that programs of any site may read and keep for ``seconds``."""
    answer = HttpResponse(content, content_type=content_type)
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cache-Control"] = f"public, max-age={seconds}" if seconds else "no-store"
    return answer


def _json(document: dict[str, Json]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


@require_safe
def did(request: HttpRequest) -> HttpResponse:
    keys.our_method(keys.signing_key())
    return _open(_json(issuers.did_document(keys.our_issuer())), "application/json", KEYS_SECONDS)


@require_safe
def issuer(request: HttpRequest) -> HttpResponse:
    return _open(_json(issuers.profile(keys.our_issuer())), "application/json", KEYS_SECONDS)


@require_safe
@limited
def credential(request: HttpRequest, public_id: str) -> HttpResponse:
    """The signed document for a program; a browser is shown the verdict instead."""
    if "text/html" in request.headers.get("Accept", ""):
        return redirect("certification:verify_id", public_id)
    found = get_object_or_404(Credential, public_id=public_id)
    return _open(found.document, "application/vc", 0)


def _list_text(purpose: Purpose, list_id: int) -> str:
    try:
        return publishing.published(list_id, purpose)
    except LookupError as error:
        raise Http404 from error


def _status(purpose: Purpose) -> Callable[..., HttpResponse]:
    """The door of one purpose: the list, unless the asker has it already."""

    def etag(request: HttpRequest, list_id: int) -> str:
        return f'"{hashlib.sha256(_list_text(purpose, list_id).encode()).hexdigest()[:32]}"'

    @require_safe
    @condition(etag_func=etag)
    def status(request: HttpRequest, list_id: int) -> HttpResponse:
        return _open(_list_text(purpose, list_id), "application/vc", STATUS_SECONDS)

    return status


revocation = _status(Purpose.REVOCATION)
suspension = _status(Purpose.SUSPENSION)


@require_safe
def achievement(request: HttpRequest, slug: str, language: str) -> HttpResponse:
    if language not in (documents.CHINESE, documents.ENGLISH):
        raise Http404
    programme = get_object_or_404(Programme, slug=slug)
    return _open(_json(documents.achievement(programme, language)), "application/json", KEYS_SECONDS)


@require_safe
def programme(request: HttpRequest, slug: str) -> HttpResponse:
    return redirect("certification:programme", slug)


@require_safe
def short(request: HttpRequest, public_id: str) -> HttpResponse:
    """The QR code's address, which finds the reader's language; ids of no known form all lead to the same page."""
    known_form = PUBLIC_ID.fullmatch(public_id.lower())
    target: dict[str, Any] = {"args": [public_id.lower() if known_form else "0"]}
    return redirect(reverse("certification:verify_id", **target))
