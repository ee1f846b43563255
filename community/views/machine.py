"""Answers for programs: health, robots, the icon, and uploads that must never run as our own pages."""

from pathlib import Path, PurePosixPath

from django.conf import settings
from django.contrib.staticfiles.finders import find
from django.core.exceptions import SuspiciousFileOperation
from django.db import DatabaseError, connection
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils._os import safe_join
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

# Shown in the page; everything else is offered for download.
SHOWN = {".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"}


def database_answers() -> bool:
    """Whether the database answers a query now."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() == (1,)
    except DatabaseError:
        return False


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 while the site can answer, 503 while its database does not."""
    database = database_answers()
    body = {"status": "ok" if database else "failing", "database": "ok" if database else "failing"}
    return JsonResponse(body | {"version": settings.VERSION}, status=200 if database else 503)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", "Disallow: /admin/", "Disallow: /api/", "Disallow: /media/"]
    for language, _name in settings.LANGUAGES:
        lines += [
            f"Disallow: /{language}/{place}/" for place in ("account", "accounts", "dashboard", "search")
        ]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    path = find("community/favicon.svg")
    if path is None:
        raise Http404
    response = HttpResponse(Path(path).read_bytes(), content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=86400"
    return response


@require_safe
def media(request: HttpRequest, path: str) -> FileResponse:
    """An upload as inert bytes: pictures are shown, the rest is downloaded, nothing runs on our origin."""
    try:
        full = safe_join(settings.MEDIA_ROOT, path)
        stream = open(full, "rb")  # noqa: SIM115
    except (SuspiciousFileOperation, ValueError, OSError):
        raise Http404 from None
    shown = PurePosixPath(path).suffix.lower() in SHOWN
    response = FileResponse(stream, as_attachment=not shown)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "public, max-age=3600"
    return response
