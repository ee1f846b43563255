"""Operators find credentials here and change their standing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_http_methods, require_safe
from rules.contrib.views import permission_required

from certification import issuing, reading
from certification.forms import ReasonForm
from certification.models import Credential
from community.api import User, signed_in

PER_PAGE = 25
operators_only = permission_required("certification.run_register", raise_exception=True)


@dataclass(frozen=True)
class Change:
    """What an operator may do to a credential, and how the page asks."""

    verb: Callable[[Credential, User, str], object]
    question: str | Promise
    consequence: str | Promise
    label: str | Promise
    kind: str
    done: str | Promise


def _issue_again(credential: Credential, by: User, reason: str) -> None:
    if credential.holder is None:
        raise issuing.NotPossible("the holder has no account any more")
    issuing.issue(credential.programme, credential.holder, by=by, reason=reason, again=True)


CHANGES = {
    "revoke": Change(
        issuing.revoke,
        gettext_lazy("Revoke this certificate?"),
        gettext_lazy(
            "It stops counting at once, for good. Everybody who checks it sees that it was revoked."
        ),
        gettext_lazy("Revoke the certificate"),
        "danger",
        gettext_lazy("The certificate is revoked."),
    ),
    "suspend": Change(
        issuing.suspend,
        gettext_lazy("Suspend this certificate?"),
        gettext_lazy("It does not count until it is reinstated. Everybody who checks it sees that."),
        gettext_lazy("Suspend the certificate"),
        "danger",
        gettext_lazy("The certificate is suspended."),
    ),
    "reinstate": Change(
        issuing.reinstate,
        gettext_lazy("Reinstate this certificate?"),
        gettext_lazy("It counts again from now on."),
        gettext_lazy("Reinstate the certificate"),
        "primary",
        gettext_lazy("The certificate is reinstated."),
    ),
    "issue-again": Change(
        _issue_again,
        gettext_lazy("Issue a new certificate?"),
        gettext_lazy(
            "The holder gets a new one with a new id and the name as it is now. This one stays revoked."
        ),
        gettext_lazy("Issue a new certificate"),
        "primary",
        gettext_lazy("A new certificate is issued."),
    ),
}


@require_safe
@operators_only
def register(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:200]
    state = request.GET.get("state", "")
    page = Paginator(reading.register(words, state), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "held": reading.in_words(page.object_list),
        "query": words,
        "state": state,
        "states": [
            ("", _("All standings")),
            ("standing", _("Neither suspended nor revoked")),
            ("suspended", pgettext("verdict", "Suspended")),
            ("revoked", pgettext("verdict", "Revoked")),
        ],
        "kept_query": urlencode({"q": words, "state": state}),
    }
    return render(request, "certification/register.html", context)


@require_safe
@operators_only
def entry(request: HttpRequest, public_id: str) -> HttpResponse:
    """One credential with its history and what may be done to it."""
    credential = _found(public_id)
    return render(request, "certification/entry.html", _told(credential))


@require_http_methods(["GET", "HEAD", "POST"])
@operators_only
def change(request: HttpRequest, public_id: str, verb: str) -> HttpResponse:
    """Asks for the reason first; the verb decides whether the change is possible."""
    if verb not in CHANGES:
        raise Http404
    credential, asked = _found(public_id), CHANGES[verb]
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            asked.verb(credential, signed_in(request), form.cleaned_data["reason"])
        except (issuing.NotPossible, issuing.NotEarned):
            messages.error(
                request, _("The certificate's standing has changed meanwhile; this is not possible now.")
            )
        else:
            messages.success(request, str(asked.done))
        return redirect("certification:entry", public_id)
    context = _told(credential) | {"form": form, "change": asked}
    return render(request, "certification/change.html", context, status=422 if form.errors else 200)


def _found(public_id: str) -> Credential:
    found = Credential.objects.select_related("programme", "holder")
    return get_object_or_404(found, public_id=public_id)


def _told(credential: Credential) -> dict[str, Any]:
    return {
        "credential": credential,
        "words": reading.in_words([credential])[0].words,
        "events": list(credential.events.select_related("actor")),
        "verbs": _verbs(credential),
        "breadcrumbs": [
            {"title": _("Register of certificates"), "url": reverse("certification:register")},
            {"title": credential.printed_name, "url": ""},
        ],
    }


def _verbs(credential: Credential) -> list[tuple[str, str, str]]:
    """What may be done now: verb, label, kind of button."""
    if credential.revoked_at is not None:
        names = ["issue-again"] if credential.holder else []
    else:
        names = ["reinstate" if credential.suspended_at else "suspend", "revoke"]
    return [(name, str(CHANGES[name].label), CHANGES[name].kind) for name in names]
