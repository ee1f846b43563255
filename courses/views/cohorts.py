"""Cohorts as those meet them who may join: the lists, one cohort, and the ways into it and out of it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from community.api import Membership, Organisation, User, is_operator, signed_in, tidy
from courses import cohorts as verbs
from courses import outline as outlines
from courses import visibility
from courses.models import Cohort, CohortPlace, PlaceState, WayIn
from courses.models.cohorts import CohortQuerySet
from courses.refusals import Refusal
from courses.views import running
from courses.views.reading import Crumb

COHORTS_PER_PAGE = 20


@dataclass(frozen=True)
class Listed:
    """A cohort in a list: its course's title, and where the reader stands in it."""

    cohort: Cohort
    course: str
    place: CohortPlace | None
    runs: bool


def known_to(request: HttpRequest) -> CohortQuerySet:
    """The cohorts that the reader may know of."""
    if not isinstance(request.user, User):
        return Cohort.objects.seen_by(None)
    return Cohort.objects.all() if is_operator(request.user) else Cohort.objects.seen_by(request.user)


def mine(person: User) -> CohortQuerySet:
    """The cohorts that are not over in which ``person`` stands or which they see to, the next to end first."""
    standing = CohortPlace.objects.standing().of(person).values("cohort_id")
    found = Cohort.objects.filter(pk__in=standing) | Cohort.objects.run_by(person)
    going = found.going(timezone.localdate()).with_counts()
    return going.select_related("organisation").order_by("ends_on", "pk")


def listed(request: HttpRequest, found: list[Cohort]) -> list[Listed]:
    """The cohorts as a list shows them, in three queries at most."""
    titles = outlines.titles(cohort.course_key for cohort in found) if found else {}
    places: dict[int, CohortPlace] = {}
    run: set[int] = set()
    if isinstance(request.user, User) and found:
        keys = [cohort.pk for cohort in found]
        held = CohortPlace.objects.standing().of(request.user).filter(cohort__in=keys)
        places = {place.cohort_id: place for place in held}
        run = set(Cohort.objects.run_by(request.user).filter(pk__in=keys).values_list("pk", flat=True))
    return [
        Listed(cohort, titles.get(cohort.course_key, ""), places.get(cohort.pk), cohort.pk in run)
        for cohort in found
    ]


@never_cache
@require_safe
def show_list(request: HttpRequest, slug: str = "") -> HttpResponse:
    """The cohorts the reader may know of, of one organisation or of all; those that are over with ``?past=1``."""
    organisation = get_object_or_404(Organisation, slug=slug) if slug else None
    query, past = tidy(request.GET.get("q", "")), request.GET.get("past") == "1"
    found = known_to(request).matching(query)
    if organisation is not None:
        found = found.filter(organisation=organisation)
    going = Cohort.objects.going(timezone.localdate()).values("pk")
    found = found.exclude(pk__in=going) if past else found.filter(pk__in=going)
    ordered = (
        found.with_counts()
        .select_related("organisation")
        .order_by("-starts_on" if past else "starts_on", "pk")
    )
    page = Paginator(ordered, COHORTS_PER_PAGE).get_page(request.GET.get("page"))
    kept = {name: value for name, value in (("q", query), ("past", "1" if past else "")) if value}
    return render(
        request,
        "courses/cohorts/list.html",
        {
            "organisation": organisation,
            "may_open": organisation is not None
            and request.user.has_perm("courses.open_cohorts", organisation),
            "own": [] if organisation else answered_for(request),
            "rows": listed(request, list(page)),
            "listed": page,
            "query": query,
            "past": past,
            "kept": urlencode(kept),
            "today": timezone.localdate(),
            "breadcrumbs": trail(organisation) if organisation else [Crumb(_("Cohorts"))],
        },
    )


def answered_for(request: HttpRequest) -> list[Organisation]:
    """The organisations whose cohorts the reader may open."""
    if not isinstance(request.user, User):
        return []
    ties = Membership.objects.current().of(request.user).responsible()
    return list(Organisation.objects.filter(pk__in=ties.values("organisation_id")))


def trail(organisation: Organisation, *further: Crumb) -> list[Crumb]:
    here = reverse("courses:organisation_cohorts", args=[organisation.slug])
    return [
        Crumb(_("Cohorts"), reverse("courses:cohorts")),
        Crumb(organisation.name, here if further else ""),
        *further,
    ]


def cohort_or_404(request: HttpRequest, cohort_id: int) -> Cohort:
    """The cohort, for whom may know of it; for everybody else there is none."""
    known = Cohort.objects.filter(pk__in=known_to(request).filter(pk=cohort_id).values("pk"))
    return get_object_or_404(known.with_counts().select_related("organisation"))


@never_cache
@require_safe
def show(request: HttpRequest, cohort_id: int) -> HttpResponse:
    """One cohort: for its instructors its people, for everybody else what it is and how to come in."""
    cohort = cohort_or_404(request, cohort_id)
    if request.user.has_perm("courses.run_cohort", cohort):
        return running.show(request, cohort, trail(cohort.organisation, Crumb(cohort.name)))
    return render(request, "courses/cohorts/cohort.html", told(request, cohort))


def told(request: HttpRequest, cohort: Cohort) -> dict[str, Any]:
    """What the page of a cohort shows to who learns in it or may."""
    course = outlines.outline(cohort.course_key)
    place = None
    if isinstance(request.user, User):
        place = CohortPlace.objects.of(request.user).filter(cohort=cohort).first()
    return {
        "cohort": cohort,
        "course": course,
        "may_read": course is not None and visibility.may_read(request.user, course),
        "place": place,
        "has_place": place is not None
        and place.state in {PlaceState.ASKED, PlaceState.WAITING, PlaceState.ENROLLED},
        "instructors": [tie.person for tie in cohort.instructors.select_related("person")],
        "is_over": cohort.is_over(),
        "asks": cohort.way_in == WayIn.APPROVAL,
        "breadcrumbs": trail(cohort.organisation, Crumb(cohort.name)),
    }


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def come_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """What the link leads to: the cohort and a button that joins it."""
    found = verbs.cohort_with(token)
    if found is None:
        return render(request, "courses/cohorts/no_link.html", status=404)
    if request.method == "POST":
        return join_and_tell(request, found, token)
    cohort = Cohort.objects.with_counts().select_related("organisation").get(pk=found.pk)
    return render(request, "courses/cohorts/cohort.html", {**told(request, cohort), "token": token})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, cohort_id: int) -> HttpResponse:
    """The person stands in the cohort; who was sent here by the sign-in page finds the button on its page."""
    cohort = cohort_or_404(request, cohort_id)
    if request.method != "POST":
        return redirect("courses:cohort", cohort.pk)
    return join_and_tell(request, cohort)


def join_and_tell(request: HttpRequest, cohort: Cohort, token: str = "") -> HttpResponse:
    try:
        place = verbs.ask(signed_in(request), cohort, token)
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.remedy}")
        return redirect("courses:cohort_link", token) if token else redirect("courses:cohort", cohort.pk)
    match place.state:
        case PlaceState.ENROLLED:
            messages.success(request, _("You are in the cohort and enrolled in its course."))
        case PlaceState.WAITING:
            messages.info(request, _("All seats are taken. You wait for one, and it comes to you by itself."))
        case _state:
            messages.success(
                request, _("You have asked to join. An instructor decides, and you see it here.")
            )
    return redirect("courses:cohort", cohort.pk)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, cohort_id: int) -> HttpResponse:
    """Asks first, then gives the place up."""
    person = signed_in(request)
    held = CohortPlace.objects.standing().of(person).select_related("cohort__organisation")
    place = held.filter(cohort_id=cohort_id).first()
    if place is None:
        raise Http404
    if request.method != "POST":
        course = outlines.outline(place.cohort.course_key)
        facts = {
            "cohort": place.cohort,
            "is_private": course is not None and course.is_private,
            "breadcrumbs": trail(place.cohort.organisation, Crumb(place.cohort.name)),
        }
        return render(request, "courses/cohorts/leave.html", facts)
    verbs.leave(person, place.cohort)
    messages.success(request, _("You have left the cohort. What you did in its course is kept."))
    return redirect("courses:cohorts")
