"""What the machines of a session asked of the outside, as a page."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from labs.context import query_of
from labs.egress import showing
from labs.models import LabSession


@never_cache
@login_required
@require_safe
def network(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The lab's list and every request, searched and a page at a time, for the learner, who teaches them, operators."""
    session = LabSession.objects.select_related("lab", "learner").filter(pk=session_id).first()
    if session is None or not request.user.has_perm("labs.see_network", session):
        raise Http404
    words, refused = request.GET.get("q", "")[:200], request.GET.get("refused") == "1"
    return render(
        request,
        "labs/network.html",
        {
            "session": session,
            "hosts": session.egress,
            "page": showing.requests_of(
                session, words=words, refused=refused, page=request.GET.get("page", 1)
            ),
            "words": words,
            "refused": refused,
            "query": query_of({"q": words, "refused": "1" if refused else ""}),
            "breadcrumbs": [
                {"title": _("Labs"), "url": reverse("labs:catalogue")},
                {"title": session.lab.title, "url": reverse("labs:lab", args=[session.lab.slug])},
                {"title": _("Network")},
            ],
        },
    )
