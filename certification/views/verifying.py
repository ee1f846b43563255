"""Anybody checks a certificate here; no login, no session."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from certification import inspection, reading, wording
from certification.attachments import LARGEST_PDF
from certification.forms import VerifyForm
from certification.inspection import Inspection
from certification.limits import limited
from certification.printing import qr_svg

# A file, a text and what a multipart form adds: more is refused before it is taken apart.
LARGEST_REQUEST = LARGEST_PDF + 256 * 1024


def ask(request: HttpRequest) -> HttpResponse:
    """The form; what is posted is answered at once, and an id leads to its own address."""
    return _answer(request) if request.method == "POST" else _form(request, _bound(request))


# The form changes nothing, so it works where cookies are refused as well.
verify = csrf_exempt(never_cache(require_http_methods(["GET", "HEAD", "POST"])(ask)))


@limited
def _answer(request: HttpRequest) -> HttpResponse:
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_REQUEST:
        form = VerifyForm({}, hosts=_hosts(request))
        form.errors.clear()
        form.add_error("file", wording.CANNOT_READ["too large"])
        return _form(request, form, status=413)
    form = VerifyForm(request.POST, request.FILES, hosts=_hosts(request))
    if not form.is_valid():
        return _form(request, form, status=422)
    if form.public_id:
        return redirect("certification:verify_id", form.public_id)
    found = inspection.inspect_text(form.text)
    return _verdict(request, found, posted=_again(found.text))


@never_cache
@require_safe
@limited
def verify_id(request: HttpRequest, public_id: str) -> HttpResponse:
    """The verdict on the credential with this id; every id that is none of ours gets one and the same answer."""
    found = inspection.inspect_id(public_id)
    if found is None:
        context = {
            "words": wording.NOT_FOUND,
            "breadcrumbs": _trail(),
            "now": timezone.now(),
            "checked_by": settings.PUBLIC_URL,
        }
        return render(request, "certification/verdict.html", context, status=404)
    return _verdict(request, found)


def _bound(request: HttpRequest) -> VerifyForm:
    """An empty form, or one that holds what a link to this page asks about (``?q=``)."""
    return VerifyForm(hosts=_hosts(request), initial={"asked": request.GET.get("q", "")[:2000]})


def _hosts(request: HttpRequest) -> set[str]:
    return {settings.PUBLIC_URL.partition("://")[2].lower(), request.get_host().lower()}


def _again(text: str) -> dict[str, str]:
    """What to post for the same verdict in the other language; empty when the form would not take ``text``."""
    return {"asked": text} if text.lstrip().startswith("{") else {}


def _form(request: HttpRequest, form: VerifyForm, status: int = 200) -> HttpResponse:
    return render(request, "certification/verify.html", {"form": form}, status=status)


def _verdict(request: HttpRequest, found: Inspection, posted: dict[str, str] | None = None) -> HttpResponse:
    claims = found.verdict.claims
    context = {
        "words": wording.VERDICTS[found.verdict.outcome],
        "lines": [wording.line_of(check) for check in found.verdict.checks],
        "claims": claims,
        "said": reading.in_my_language(claims) if claims else None,
        "now": timezone.now(),
        "inspection": found,
        "posted": posted or {},
        "breadcrumbs": _trail(),
        "checked_by": settings.PUBLIC_URL,
    }
    if found.public_id:
        link = f"{settings.PUBLIC_URL}/v/{found.public_id}"
        context |= {"link": link, "qr": qr_svg(link)}
    return render(request, "certification/verdict.html", context)


def _trail() -> list[dict[str, str]]:
    return [
        {"title": _("Verify a certificate"), "url": reverse("certification:verify")},
        {"title": _("Verdict"), "url": ""},
    ]
