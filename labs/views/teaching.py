"""Pages of teaching: my classes, one class, joining by code, the wall, one learner's terminals."""

from typing import Any
from uuid import UUID

from csp.constants import NONCE, SELF
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from wagtail import hooks

from community.api import User
from labs import bodies, context
from labs.forms import JoinCode, ListedNames, NewClass
from labs.lifecycle import State
from labs.models import ClassPlace, LabSession, Place, TaughtClass
from labs.script_words import SCRIPTS, script_words
from labs.teaching import classes, helping
from labs.teaching.board import board_of
from labs.teaching.words import wall_words

CLASSES_PER_PAGE = 20
PLACES_PER_PAGE = 50
WALL_SCRIPTS = ("backoff.js", "reconnecting.js", "rest.js", "words.js")
WATCH_SCRIPTS = (*SCRIPTS, "watch.js")
# Stands in an address where the page's script puts a session.
NOBODY = UUID(int=0)


def _who(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  (login_required)
    return request.user


def crumbs(*further: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"title": _("Labs"), "url": reverse("labs:catalogue")},
        {"title": _("Classes"), "url": reverse("labs:classes")},
        *further,
    ]


def taught_by(request: HttpRequest, class_id: int) -> TaughtClass:
    """The class, for one who teaches it; for everybody else there is none."""
    taught = get_object_or_404(TaughtClass, pk=class_id)
    if not _who(request).has_perm("labs.teach_class", taught):
        raise Http404
    return taught


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_classes(request: HttpRequest) -> HttpResponse:
    """The classes I teach or learn in, a page at a time; instructors open new ones here."""
    person = _who(request)
    may_open = person.has_perm("labs.open_classes")
    form = NewClass(request.POST or None)
    if request.method == "POST":
        if not may_open:
            raise PermissionDenied
        if form.is_valid():
            return redirect("labs:class", classes.open_class(person, form.cleaned_data["name"]).pk)
    wish = {"q": request.GET.get("q", "")[:200]}
    found = TaughtClass.objects.of(person).matching(wish["q"])
    page = Paginator(found, CLASSES_PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "labs/teaching/classes.html",
        {
            "breadcrumbs": [*crumbs()[:1], {"title": _("Classes")}],
            "form": form if may_open else None,
            "page": page,
            "cards": _cards(person, page.object_list),
            "wish": wish,
            "query": context.query_of(wish),
        },
    )


def _cards(person: User, found: Any) -> list[dict[str, Any]]:
    """One card per class, in two queries for any number of them."""
    shown = list(found)
    teaching: set[int] = set()
    learners: dict[int, int] = {}
    for taught, who, role in ClassPlace.objects.filter(taught_class__in=shown).values_list(
        "taught_class_id", "person_id", "role"
    ):
        if role == Place.LEARNS:
            learners[taught] = learners.get(taught, 0) + 1
        elif who == person.pk:
            teaching.add(taught)
    return [
        {
            "title": taught.name,
            "href": reverse("labs:class", args=[taught.pk]) if taught.pk in teaching else "",
            "teaches": taught.pk in teaching,
            "learners": learners.get(taught.pk, 0),
            "pk": taught.pk,
        }
        for taught in shown
    ]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def one_class(request: HttpRequest, class_id: int) -> HttpResponse:
    """Who is in the class, how to join it, and the list by which its instructors add people."""
    taught = taught_by(request, class_id)
    if request.method == "POST" and taught.kept_for:
        raise PermissionDenied
    form = ListedNames(request.POST or None)
    if request.method == "POST" and form.is_valid():
        names = form.cleaned_data["names"].splitlines()
        listed = classes.add_listed(taught, names, Place(form.cleaned_data["role"]))
        added = ngettext("%(count)d person was added.", "%(count)d people were added.", listed.added)
        messages.success(request, added % {"count": listed.added})
        if listed.unknown:
            words = _("Nobody here is called: %(names)s") % {"names": _(", ").join(listed.unknown[:20])}
            messages.warning(request, words)
        return redirect("labs:class", taught.pk)
    places = taught.places.select_related("person").order_by("-role", "person__username")
    page = Paginator(places, PLACES_PER_PAGE).get_page(request.GET.get("page"))
    link = request.build_absolute_uri(reverse("labs:join")) + f"?code={taught.code}"
    return render(
        request,
        "labs/teaching/class.html",
        {
            "breadcrumbs": crumbs({"title": taught.name}),
            "taught": taught,
            "form": form,
            "page": page,
            "link": link,
            "home": home_of(taught),
        },
    )


def home_of(taught: TaughtClass) -> str:
    """The page where the people of a class that is kept for others are changed; empty where nobody above names it."""
    answers = (home(taught.kept_for) for home in hooks.get_hooks("class_homes")) if taught.kept_for else ()
    return next(filter(None, answers), "")


@login_required
@require_POST
def leave(request: HttpRequest, class_id: int, place_id: int) -> HttpResponse:
    """The place is given up: by the person, or by an instructor of the class."""
    place = get_object_or_404(ClassPlace, pk=place_id, taught_class=class_id)
    person = _who(request)
    teaches = person.has_perm("labs.teach_class", place.taught_class)
    if place.person_id != person.pk and not teaches:
        raise Http404
    if place.taught_class.kept_for:
        return redirect(home_of(place.taught_class) or "labs:classes")
    if not classes.leave(place):
        messages.error(request, _("A class needs an instructor; add another one first."))
    return (
        redirect("labs:class", class_id)
        if teaches and place.person_id != person.pk
        else redirect("labs:classes")
    )


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """A place in the class whose code it is, once the person has agreed to what its instructors see."""
    given = request.POST or ({"code": request.GET["code"]} if "code" in request.GET else None)
    form = JoinCode(given)
    taught = None
    if form.is_valid():
        try:
            taught = classes.class_with(form.cleaned_data["code"])
        except classes.NoSuchCode as refusal:
            form.add_error("code", f"{refusal} {refusal.remedy}")
    if request.method == "POST" and taught is not None:
        classes.join(_who(request), taught)
        messages.success(request, _("You are in the class %(name)s.") % {"name": taught.name})
        return redirect("labs:classes")
    facts = {"form": form, "taught": taught, "breadcrumbs": crumbs({"title": _("Join a class")})}
    return render(request, "labs/teaching/join.html", facts)


@never_cache
@login_required
@require_safe
def wall(request: HttpRequest, class_id: int) -> HttpResponse:
    """How the class stands, live."""
    taught = taught_by(request, class_id)
    language = get_language() or settings.LANGUAGE_CODE
    here = {"title": taught.name, "url": reverse("labs:class", args=[taught.pk])}
    return render(
        request,
        "labs/teaching/wall.html",
        {
            "breadcrumbs": crumbs(here, {"title": _("Wall")}),
            "taught": taught,
            "scripts": WALL_SCRIPTS,
            "words": wall_words(),
            "page_data": {
                "cards": board_of(taught, _who(request)).cards,
                "socket": f"/ws/labs/classes/{taught.pk}/wall/?lang={language}",
                "api": "/api/v1",
                "taught": taught.pk,
                "watch": reverse("labs:watch", args=[NOBODY]),
                "nobody": str(NOBODY),
                "csrf": get_token(request),
                "language": language,
            },
        },
    )


# As on the lab page, xterm.js's style elements carry the page's nonce.
@csp_replace({"style-src-elem": [SELF, NONCE]})  # type: ignore[arg-type]  # its types know no view with arguments
@never_cache
@login_required
@require_safe
def watch(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """One learner's terminals, to look at, and to type in while the learner allows it."""
    person = _who(request)
    try:
        session = classes.session_for(person, session_id)
    except LabSession.DoesNotExist as error:
        raise Http404 from error
    body = bodies.session_body(session)
    return render(
        request,
        "labs/teaching/watch.html",
        {
            "session": session,
            "learner": helping.name_of(session.learner),
            "lab": session.lab,
            "body": body,
            "is_live": session.is_open and body["state"] == State.READY,
            "breadcrumbs": crumbs({"title": helping.name_of(session.learner)}),
            "scripts": WATCH_SCRIPTS,
            "words": {**script_words(), **wall_words()},
            "page_data": {
                "session": str(session.pk),
                "nodes": [node["name"] for node in body["nodes"]],
                "terminals": session.lab.terminals,
                "api": f"/api/v1/lab-sessions/{session.pk}",
                "me": helping.name_of(person),
                "help": helping.help_body(session),
                "csrf": get_token(request),
                "language": get_language() or settings.LANGUAGE_CODE,
            },
        },
    )
