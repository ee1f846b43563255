"""The site's content policy, strict everywhere and narrow for Wagtail's administration; and its languages."""

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language


class ContentPolicyMiddleware(CSPMiddleware):
    """django-csp with a second policy for the administration; views may still change theirs with its decorators."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        administered = request.path_info.startswith(reverse("wagtailadmin_home"))
        if administered and not report_only and parts.config is None:
            parts.config = settings.ADMIN_CONTENT_POLICY
        return parts


class LanguageMiddleware(LocaleMiddleware):
    """Django's, but programs are answered 404 where a person's browser is sent to the page in its language."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if response.status_code == 404 and (not is_page or request.path_info.startswith("/api/")):
            response.headers.setdefault("Content-Language", get_language() or settings.LANGUAGE_CODE)
            patch_vary_headers(response, ("Accept-Language",))
            return response
        return super().process_response(request, response)
