"""The way from the lab page to a port of one of its nodes."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from community.api import User
from labs import sessions
from labs.models import LabSession
from labs.previews import hosts, passes


@never_cache
@login_required
@require_safe
def enter(request: HttpRequest, session_id: UUID, node: str, port: int) -> HttpResponse:
    """On to the preview's own origin with a pass for it; back to the lab page when the session is over."""
    assert isinstance(request.user, User)  # noqa: S101  (login_required)
    try:
        session = sessions.session_of(request.user, session_id)
    except LabSession.DoesNotExist as error:
        raise Http404 from error
    sandbox = session.sandbox
    if not session.is_open or sandbox is None:
        return redirect("labs:session", session_id)
    known = sandbox.nodes.filter(name=node).exists()
    if not hosts.are_offered() or not known or not 1 <= port <= hosts.LARGEST_PORT:
        raise Http404
    return HttpResponseRedirect(passes.entrance(request.user, hosts.Target(sandbox.ref, node, port)))
