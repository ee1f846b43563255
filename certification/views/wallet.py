"""A holder's own certificates, and the programmes that earn them."""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from certification import inspection, printing, reading, wording
from certification.models import Credential, Programme
from community.api import signed_in

private = cache_control(private=True, no_store=True)


@require_safe
@login_required
def wallet(request: HttpRequest) -> HttpResponse:
    context = {
        "held": reading.held_by(signed_in(request)),
        "programmes": reading.open_to(signed_in(request)),
    }
    return render(request, "certification/wallet.html", context)


@require_safe
@login_required
def certificate(request: HttpRequest, public_id: str) -> HttpResponse:
    credential = _mine(request, public_id)
    found = inspection.inspect_text(credential.document)
    context = {
        "credential": credential,
        "said": reading.in_my_language(printing.claims(credential)),
        "words": wording.VERDICTS[found.verdict.outcome],
        "qr": printing.qr_svg(credential.link),
        "events": credential.events.all(),
        "linkedin_url": linkedin_url(credential),
        "breadcrumbs": [
            {"title": _("My certificates"), "url": reverse("certification:wallet")},
            {"title": credential.programme.title, "url": ""},
        ],
    }
    return render(request, "certification/certificate.html", context)


@require_safe
@login_required
@private
def certificate_json(request: HttpRequest, public_id: str) -> HttpResponse:
    """The signed document, byte for byte, to keep."""
    credential = _mine(request, public_id)
    return _file(credential.document.encode(), "application/json", f"{_file_name(credential)}.json")


@require_safe
@login_required
@private
def certificate_pdf(request: HttpRequest, public_id: str) -> HttpResponse:
    credential = _mine(request, public_id)
    return _file(printing.pdf(credential), "application/pdf", f"{_file_name(credential)}.pdf")


@require_safe
def programmes(request: HttpRequest) -> HttpResponse:
    return render(request, "certification/programmes.html", {"programmes": Programme.objects.active()})


@require_safe
def programme(request: HttpRequest, slug: str) -> HttpResponse:
    """What must be shown to earn the credential; kept readable after issuing has ended, since credentials link here."""
    found = get_object_or_404(Programme, slug=slug)
    context = {
        "programme": found,
        "courses": reading.courses_of(found, get_language() or settings.LANGUAGE_CODE),
        "clauses": reading.clauses_of(found, get_language() or settings.LANGUAGE_CODE),
        "breadcrumbs": [
            {"title": _("Programmes"), "url": reverse("certification:programmes")},
            {"title": found.title, "url": ""},
        ],
    }
    return render(request, "certification/programme.html", context)


def linkedin_url(credential: Credential) -> str:
    """LinkedIn's form for a certification, filled in."""
    fields = {
        "startTask": "CERTIFICATION_NAME",
        "name": credential.programme.title,
        "organizationName": settings.CERTIFICATION_ISSUER_NAME,
        "issueYear": credential.issued_at.year,
        "issueMonth": credential.issued_at.month,
        "certUrl": credential.link,
        "certId": credential.public_id,
    }
    if credential.valid_until:
        fields |= {
            "expirationYear": credential.valid_until.year,
            "expirationMonth": credential.valid_until.month,
        }
    return f"https://www.linkedin.com/profile/add?{urlencode(fields)}"


def _mine(request: HttpRequest, public_id: str) -> Credential:
    """The holder's own credential; anybody else gets the answer for no credential at all."""
    mine = Credential.objects.of(signed_in(request)).select_related("programme")
    return get_object_or_404(mine, public_id=public_id)


def _file_name(credential: Credential) -> str:
    return f"{credential.programme.slug}-{credential.public_id[:8]}"


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
