"""Who is asking, for programs: bearer tokens and, for the site's own pages, the session cookie with CSRF."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import APIKeyCookie, HttpBearer

from community.models import ApiToken, User


def person_with_token(plaintext: str) -> User | None:
    """The active person whose usable token this is, or None. Notes the use at most once a minute."""
    if not plaintext or len(plaintext) > 200:
        return None
    token = ApiToken.objects.usable().matching(plaintext).select_related("person").first()
    if token is None:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.person


class BearerToken(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        person = person_with_token(token)
        if person is not None:
            request.user = person
        return person


class SessionUser(APIKeyCookie):
    """The signed-in person of the site's own pages; ninja checks CSRF for cookie authentication."""

    param_name = "sessionid"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.user if request.user.is_authenticated else None


def signed_in(request: HttpRequest) -> User:
    """The person of a request that requires one. Raises PermissionDenied for anyone else."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
