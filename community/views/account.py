"""A person's own account: the printed name, and the tokens of their programs."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from community.authentication import signed_in
from community.forms import PersonForm, TokenForm
from community.models import ApiToken


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    person = signed_in(request)
    form = PersonForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved. Certificates issued from now on carry this name."))
        return redirect("account")
    if form.errors:
        person.refresh_from_db()
    return render(request, "community/account.html", _particulars(request, form=form))


@never_cache
def enter_administration(request: HttpRequest) -> HttpResponse:
    """To the site's own entrance, in the place of Wagtail's: that one lets passwords be tried without end."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.GET.get("next", reverse("wagtailadmin_home")))
    if not request.user.has_perm("wagtailadmin.access_admin"):
        raise PermissionDenied
    return redirect("wagtailadmin_home")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def make_token(request: HttpRequest) -> HttpResponse:
    """The new token in plain text, this once; it is answered, never stored or put in a message.

    Somebody sent here by the sign-in page or the language switch finds the form on the account page.
    """
    if request.method != "POST":
        return redirect("account")
    form = TokenForm(request.POST)
    if not form.is_valid():
        return render(request, "community/account.html", _particulars(request, token_form=form), status=422)
    plaintext = ApiToken.issue(signed_in(request), form.cleaned_data["name"])
    context = {"plaintext": plaintext, "name": form.cleaned_data["name"]}
    return render(request, "community/token_made.html", context, status=201)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """Asks first; after the POST the token opens nothing."""
    token = get_object_or_404(signed_in(request).bearer_tokens.filter(revoked_at=None), pk=token_id)
    if request.method == "POST":
        token.revoke()
        messages.success(request, _("Token “%(name)s” is revoked.") % {"name": token.name})
        return redirect("account")
    return render(request, "community/token_revoke.html", {"token": token})


def _particulars(
    request: HttpRequest, form: PersonForm | None = None, token_form: TokenForm | None = None
) -> dict[str, object]:
    person = signed_in(request)
    return {
        "form": form or PersonForm(instance=person),
        "token_form": token_form or TokenForm(),
        "tokens": list(person.bearer_tokens.filter(revoked_at=None)),
        "active": "account",
    }
