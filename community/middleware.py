"""The site's content policy: strict everywhere, and the narrowest one Wagtail's administration works under."""

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse


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
