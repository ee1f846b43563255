"""Cohorts as those meet them who run them: opening one, its people, its link, its instructors."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from community.api import Organisation, signed_in, tidy
from courses import classes, progress, visibility
from courses import cohorts as verbs
from courses import outline as outlines
from courses.forms import CohortForm, InstructorForm, NewCohortForm
from courses.models import (
    Cohort,
    CohortInstructor,
    CohortPlace,
    CoursePage,
    Enrolment,
    PlaceState,
    WayIn,
)
from courses.progress import Progress
from courses.refusals import Refusal, TooFewSeats
from courses.views.reading import Crumb
from labs.api import wall_url

PLACES_PER_PAGE = 25


@dataclass(frozen=True)
class Row:
    """A person of the cohort: how they stand, and how far they are in its course."""

    place: CohortPlace
    progress: Progress | None
    enrolment: Enrolment | None


@dataclass(frozen=True)
class Tab:
    """How many stand so, and whether they are shown."""

    state: PlaceState
    count: int
    is_current: bool


def show(request: HttpRequest, cohort: Cohort, breadcrumbs: list[Crumb]) -> HttpResponse:
    """The people of the cohort in one state, searched and a page at a time, and what may be decided about them."""
    counted = dict(cohort.places.order_by().values_list("state").annotate(Count("pk")))
    asked = request.GET.get("state", "")
    state = PlaceState(asked) if asked in PlaceState.values else PlaceState.ENROLLED
    query = tidy(request.GET.get("q", ""))
    places = cohort.places.filter(state=state).matching(query).select_related("person")
    page = Paginator(places.order_by("asked_at", "pk"), PLACES_PER_PAGE).get_page(request.GET.get("page"))
    course = outlines.outline(cohort.course_key)
    kept = {name: value for name, value in (("state", asked), ("q", query)) if value}
    address = reverse("courses:cohort", args=[cohort.pk])
    if cohort.way_in == WayIn.LINK:
        address = reverse("courses:cohort_link", args=[cohort.link_token])
    return render(
        request,
        "courses/cohorts/running.html",
        {
            "cohort": cohort,
            "course": course,
            "tabs": [Tab(each, counted.get(each, 0), each == state) for each in PlaceState],
            "state": state,
            "rows": rows_of(cohort, list(page), course if state == PlaceState.ENROLLED else None),
            "listed": page,
            "query": query,
            "kept": urlencode(kept),
            "link": request.build_absolute_uri(address),
            "has_link": cohort.way_in == WayIn.LINK,
            "is_over": cohort.is_over(),
            "wall": wall_url(classes.key_of(cohort.pk), signed_in(request)),
            "instructors": list(cohort.instructors.select_related("person")),
            "instructor_form": InstructorForm(),
            "may_change": request.user.has_perm("courses.change_cohort", cohort),
            "breadcrumbs": breadcrumbs,
        },
    )


def rows_of(cohort: Cohort, places: list[CohortPlace], course: outlines.Outline | None) -> list[Row]:
    """The places with each person's progress, in three queries; without a course there is none to show."""
    if course is None or not places:
        return [Row(place, None, None) for place in places]
    people = [place.person for place in places]
    reached = progress.progress_in(course, people)
    held = Enrolment.objects.current().in_course(cohort.course_key).filter(learner__in=people)
    enrolments = {enrolment.learner_id: enrolment for enrolment in held}
    return [Row(place, reached.get(place.person_id), enrolments.get(place.person_id)) for place in places]


def run_or_404(request: HttpRequest, cohort_id: int, verb: str = "run_cohort") -> Cohort:
    """The cohort, for whoever may ``verb``; who runs it but may not is told so, everybody else that there is none."""
    cohort = get_object_or_404(Cohort.objects.select_related("organisation"), pk=cohort_id)
    if request.user.has_perm(f"courses.{verb}", cohort):
        return cohort
    if request.user.has_perm("courses.run_cohort", cohort):
        raise PermissionDenied
    raise Http404


# --- terms ---


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def open_cohort(request: HttpRequest, slug: str) -> HttpResponse:
    """A new cohort of the organisation, for who answers for it."""
    organisation = get_object_or_404(Organisation, slug=slug)
    if not request.user.has_perm("courses.open_cohorts", organisation):
        raise PermissionDenied
    pages = visibility.readable_pages(CoursePage.objects.live(), signed_in(request))
    titles = outlines.titles(pages.values_list("translation_key", flat=True))
    form = NewCohortForm(
        request.POST or None,
        courses=[(str(key), title) for key, title in titles.items()],
        initial={"way_in": WayIn.ORGANISATION, "course": request.GET.get("course", "")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            name = form.cleaned_data["instructor"]
            teacher = verbs.person_called(name) if name else signed_in(request)
            made = verbs.open_cohort(organisation, form.cleaned_data["course"], form.terms, teacher)
        except Refusal as refusal:
            form.add_error("instructor", f"{refusal} {refusal.remedy}")
        else:
            messages.success(request, _("The cohort is open."))
            return redirect("courses:cohort", made.pk)
    here = reverse("courses:organisation_cohorts", args=[organisation.slug])
    return terms_page(request, form, _("Open a cohort"), _("Open the cohort"), Crumb(organisation.name, here))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, cohort_id: int) -> HttpResponse:
    """Other terms for the cohort."""
    cohort = run_or_404(request, cohort_id, "change_cohort")
    fields = ("name", "starts_on", "ends_on", "seats", "way_in")
    form = CohortForm(request.POST or None, initial={name: getattr(cohort, name) for name in fields})
    if request.method == "POST" and form.is_valid():
        try:
            verbs.change_cohort(cohort, form.terms)
        except TooFewSeats as refusal:
            form.add_error("seats", f"{refusal} {refusal.remedy}")
        else:
            messages.success(request, _("The cohort is changed."))
            return redirect("courses:cohort", cohort.pk)
    here = reverse("courses:cohort", args=[cohort.pk])
    return terms_page(request, form, _("Change the cohort"), _("Save"), Crumb(cohort.name, here))


@login_required
@require_POST
def rotate_link(request: HttpRequest, cohort_id: int) -> HttpResponse:
    cohort = run_or_404(request, cohort_id)
    verbs.rotate_link(cohort)
    messages.success(request, _("The cohort has a new link. The old one lets nobody in any more."))
    return redirect("courses:cohort", cohort.pk)


def terms_page(
    request: HttpRequest, form: CohortForm, heading: str, submit: str, back: Crumb
) -> HttpResponse:
    """The form of a cohort's terms, below the page that ``back`` leads to."""
    return render(
        request,
        "courses/cohorts/terms.html",
        {
            "heading": heading,
            "submit": submit,
            "back": back.url,
            "form": form,
            "breadcrumbs": [back, Crumb(heading)],
        },
        status=422 if form.errors else 200,
    )


# --- people ---


def place_or_404(cohort: Cohort, place_id: int) -> CohortPlace:
    return get_object_or_404(cohort.places.select_related("person"), pk=place_id)


@login_required
@require_POST
def admit(request: HttpRequest, cohort_id: int, place_id: int) -> HttpResponse:
    """The person is in, or waits for a seat."""
    cohort = run_or_404(request, cohort_id)
    place = place_or_404(cohort, place_id)
    before, name = place.state, place.person.name_to_print
    try:
        place = verbs.admit(place, signed_in(request))
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.remedy}")
    else:
        if place.state == PlaceState.ENROLLED:
            messages.success(request, _("%(name)s is in the cohort.") % {"name": name})
        else:
            messages.warning(
                request,
                _("All seats are taken; %(name)s waits for one. You may give more seats.") % {"name": name},
            )
    return back(cohort, before)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def refuse(request: HttpRequest, cohort_id: int, place_id: int) -> HttpResponse:
    """Asks first, then the person is not in the cohort."""
    cohort = run_or_404(request, cohort_id)
    place = place_or_404(cohort, place_id)
    if request.method != "POST":
        facts = {
            "cohort": cohort,
            "place": place,
            "breadcrumbs": [
                Crumb(cohort.name, reverse("courses:cohort", args=[cohort.pk])),
                Crumb(_("Remove")),
            ],
        }
        return render(request, "courses/cohorts/remove.html", facts)
    before, name = place.state, place.person.name_to_print
    try:
        verbs.refuse(place, signed_in(request))
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.remedy}")
    else:
        words = _("%(name)s is not in the cohort. Under “Refused” you can let them in again.")
        messages.success(request, words % {"name": name})
    return back(cohort, before)


def back(cohort: Cohort, state: str) -> HttpResponse:
    """To the people of the cohort who stand in ``state``."""
    shown = f"?state={state}" if state != PlaceState.ENROLLED else ""
    return redirect(f"{reverse('courses:cohort', args=[cohort.pk])}{shown}#people")


@login_required
@require_POST
def add_instructor(request: HttpRequest, cohort_id: int) -> HttpResponse:
    cohort = run_or_404(request, cohort_id, "change_cohort")
    try:
        added = verbs.add_instructor(cohort, request.POST.get("name", "")[:254])
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.remedy}")
    else:
        messages.success(request, _("%(name)s teaches the cohort.") % {"name": added.person.name_to_print})
    return redirect("courses:cohort", cohort.pk)


@login_required
@require_POST
def remove_instructor(request: HttpRequest, cohort_id: int, instructor_id: int) -> HttpResponse:
    cohort = run_or_404(request, cohort_id, "change_cohort")
    tie = get_object_or_404(
        CohortInstructor.objects.select_related("person"), pk=instructor_id, cohort=cohort
    )
    name = tie.person.name_to_print
    try:
        verbs.remove_instructor(tie)
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.remedy}")
    else:
        messages.success(request, _("%(name)s teaches the cohort no more.") % {"name": name})
    return redirect("courses:cohort", cohort.pk)
