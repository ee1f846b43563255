"""Seats for a class: the list, a new booking, one booking, its end, and the way in for those who attend."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from community.api import User
from labs.context import query_of
from labs.forms import BookingForm
from labs.models import Booking, Place
from labs.refusals import BookingRefused
from labs.scheduling import bookings as verbs

PER_PAGE = 20


def visible_to(person: User, words: str) -> QuerySet[Booking]:
    """An instructor's own bookings that match ``words``; an operator's are everybody's."""
    found = Booking.objects.matching(words).select_related("lab", "instructor")
    found = found if person.has_perm("labs.operate") else found.filter(instructor=person)
    learners = Q(taught_class__places__role=Place.LEARNS)
    return found.annotate(
        attending=Count("attendees", distinct=True)
        + Count("taught_class__places", filter=learners, distinct=True)
    )


@never_cache
@login_required
@permission_required("labs.book_seats", raise_exception=True)
@require_safe
def bookings(request: HttpRequest) -> HttpResponse:
    """Classes to come, or with ``?past=1`` those that are over, searched and a page at a time."""
    assert isinstance(request.user, User)  # noqa: S101  (login_required)
    words, past = request.GET.get("q", "")[:200], request.GET.get("past") == "1"
    now = timezone.now()
    found = visible_to(request.user, words)
    upcoming = Booking.objects.upcoming(now)
    found = found.exclude(pk__in=upcoming) if past else found.filter(pk__in=upcoming)
    return render(
        request,
        "labs/bookings/list.html",
        {
            "page": Paginator(found.order_by("-begins_at" if past else "begins_at", "pk"), PER_PAGE).get_page(
                request.GET.get("page")
            ),
            "query": words,
            "past": past,
            "kept_query": query_of({"q": words, "past": "1" if past else ""}),
            "breadcrumbs": trail(),
        },
    )


@never_cache
@login_required
@permission_required("labs.book_seats", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest) -> HttpResponse:
    """A new booking, or why it cannot be promised and when it could be."""
    assert isinstance(request.user, User)  # noqa: S101  (login_required)
    form = BookingForm(request.POST or None, person=request.user, initial={"lab": request.GET.get("lab")})
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.book(request.user, form.wish, form.cleaned_data["people"])
        except BookingRefused as refusal:
            form.add_error("begins_at", f"{refusal} {refusal.remedy}")
        else:
            messages.success(request, _("The seats are promised."))
            return redirect("labs:booking", made.pk)
    return render(
        request,
        "labs/bookings/new.html",
        {"form": form, "breadcrumbs": trail(_("Book seats"))},
        status=422 if form.errors else 200,
    )


def kept_by(request: HttpRequest, booking_id: int) -> Booking:
    """The booking, for whoever may keep it; anybody else is told there is none."""
    found = get_object_or_404(
        Booking.objects.select_related("lab", "instructor", "taught_class"), pk=booking_id
    )
    if not request.user.has_perm("labs.keep_booking", found):
        raise Http404
    return found


@never_cache
@login_required
@require_safe
def booking(request: HttpRequest, booking_id: int) -> HttpResponse:
    """One booking: when, for whom, and the link that its class may use."""
    found = kept_by(request, booking_id)
    attendees = list(found.people().order_by("username"))
    return render(
        request,
        "labs/bookings/booking.html",
        {
            "booking": found,
            "attendees": attendees,
            "free": max(0, found.seats - len(attendees)),
            "is_over": found.ends_at <= timezone.now(),
            "link": request.build_absolute_uri(reverse("labs:join-class", args=[found.code])),
            "breadcrumbs": trail(found.title),
        },
    )


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, booking_id: int) -> HttpResponse:
    """Asks once more, then the seats are free for others."""
    found = kept_by(request, booking_id)
    if request.method == "POST":
        if verbs.cancel(found):
            messages.success(request, _("The booking is cancelled; its seats are free for others."))
        return redirect("labs:booking", found.pk)
    return render(request, "labs/bookings/cancel.html", {"booking": found, "breadcrumbs": trail(found.title)})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, code: str) -> HttpResponse:
    """What class the link is for, and the seat in it for whoever takes it."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    found = get_object_or_404(Booking.objects.upcoming(timezone.now()).select_related("lab"), code=code)
    if request.method == "POST":
        try:
            verbs.join(request.user, code)
        except BookingRefused as refusal:
            messages.error(request, f"{refusal} {refusal.remedy}")
            return redirect("labs:join-class", code)
        messages.success(request, _("You have a seat in this class."))
        return redirect("labs:lab", found.lab.slug)
    return render(
        request,
        "labs/bookings/join.html",
        {
            "booking": found,
            "has_seat": found.people().filter(pk=request.user.pk).exists(),
            "breadcrumbs": [{"title": _("Labs"), "url": reverse("labs:catalogue")}, {"title": found.title}],
        },
    )


def trail(title: str = "") -> list[dict[str, str]]:
    """The way from the labs to the bookings, and on to the page with the title."""
    steps = [{"title": _("Labs"), "url": reverse("labs:catalogue")}]
    if not title:
        return [*steps, {"title": _("Booked classes")}]
    return [*steps, {"title": _("Booked classes"), "url": reverse("labs:bookings")}, {"title": title}]
