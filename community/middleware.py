"""The site's content policy, strict everywhere and narrow for Wagtail's administration; and its languages."""

from csp.constants import HEADER
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language


def administers(request: HttpRequest) -> bool:
    return request.path_info.startswith(reverse("wagtailadmin_home"))


class ContentPolicyMiddleware(CSPMiddleware):
    """django-csp with a second policy for the administration; views may still change theirs with its decorators."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """A page previewed in the administration keeps its own policy, but may stand in our frame."""
        answer = super().process_response(request, response)
        if administers(request) and HEADER in answer:
            answer[HEADER] = answer[HEADER].replace("frame-ancestors 'none'", "frame-ancestors 'self'")
        return answer

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if administers(request) and not report_only and parts.config is None:
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
