"""An instructor's view of who learns in a course."""

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from community.api import tidy
from courses import progress
from courses.models import CoursePage, Enrolment
from courses.outline import outline, unpublished
from courses.progress import Progress
from courses.views.reading import Crumb

LEARNERS_PER_PAGE = 25


@dataclass(frozen=True)
class Row:
    enrolment: Enrolment
    progress: Progress


@login_required
@require_safe
def show(request: HttpRequest, course_key: UUID) -> HttpResponse:
    """The learners of the course and how far each is; only for its instructors and for operators."""
    editions = CoursePage.objects.filter(translation_key=course_key).select_related("locale")
    pages = {page.locale.language_code: page for page in editions}
    if not pages:
        raise Http404
    page = pages.get(get_language() or "") or next(iter(pages.values()))
    if not any(request.user.has_perm("courses.view_learners", edition) for edition in pages.values()):
        raise PermissionDenied
    course = outline(course_key) or unpublished(page)
    query = tidy(request.GET.get("q", ""))
    enrolments = Enrolment.objects.current().in_course(course_key).select_related("learner")
    for word in query.split():
        enrolments = enrolments.filter(
            Q(learner__username__icontains=word)
            | Q(learner__printed_name__icontains=word)
            | Q(learner__email__icontains=word)
        )
    listed = Paginator(enrolments.order_by("-enrolled_at", "pk"), LEARNERS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    reached = progress.progress_in(course, [enrolment.learner for enrolment in listed])
    return render(
        request,
        "courses/learners.html",
        {
            "course": course,
            "rows": [Row(enrolment, reached[enrolment.learner_id]) for enrolment in listed],
            "listed": listed,
            "query": query,
            "kept": urlencode({"q": query}) if query else "",
            "breadcrumbs": [Crumb(course.title, course.url), Crumb(_("Learners"))],
        },
    )
