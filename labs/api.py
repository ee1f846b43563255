"""The door of labs for the apps above it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Model
from django.urls import reverse
from django.utils import timezone

from community.api import Organisation, User
from labs.markup import render as render_markdown
from labs.metering import past, statements
from labs.models import Budget, ClassPlace, Lab, LabCheck, LabSession, Place, RateCard, TaughtClass
from labs.sessions import start_lab
from labs.signals import lab_passed
from labs.teaching import classes
from labs.visitors import comes_from_our_pages


@dataclass(frozen=True)
class LabEvidence:
    """That a learner passed a lab: which, when, with how many points of how many, what its checks attest."""

    passed_at: datetime
    points: int
    of: int
    session_id: str
    clauses: tuple[str, ...]
    title_zh: str = ""
    title_en: str = ""


@dataclass(frozen=True)
class LabCard:
    """What a page above shows of a lab; ``passed_at`` is the learner's first pass."""

    lab_id: int
    title: str
    summary: str
    minutes: int
    level: str
    url: str
    passed_at: datetime | None
    nodes: tuple[str, ...]


def passed_labs(learner: Model) -> set[int]:
    """The labs that ``learner`` has passed."""
    return passed_labs_of([learner.pk])[learner.pk]


def passed_labs_of(learner_ids: Iterable[int]) -> dict[int, set[int]]:
    """The labs that each learner has passed, by learner id, in one query."""
    passed: dict[int, set[int]] = {pk: set() for pk in learner_ids}
    rows = LabSession.objects.passed().filter(learner_id__in=list(passed))
    for learner_id, lab_id in rows.order_by().values_list("learner_id", "lab_id").distinct():
        passed[learner_id].add(lab_id)
    return passed


def lab_evidence(learner: Model, lab_id: int) -> LabEvidence | None:
    """The learner's first pass of the lab; None when there is none."""
    passed = LabSession.objects.of(learner).passed().filter(lab_id=lab_id).select_related("lab")
    session = passed.order_by("passed_at").first()
    if session is None or session.passed_at is None:
        return None
    return LabEvidence(
        passed_at=session.passed_at,
        points=session.points,
        of=session.points_of,
        session_id=str(session.pk),
        clauses=tuple(session.clauses),
        title_zh=session.lab.title_zh,
        title_en=session.lab.title_en,
    )


def lab_minutes(lab_ids: Iterable[int]) -> dict[int, int]:
    """The minutes of each lab that exists, in one query."""
    return dict(Lab.objects.filter(pk__in=set(lab_ids)).values_list("pk", "minutes"))


def lab_clauses(lab_id: int) -> tuple[str, ...]:
    """Every clause reference that the lab's checks attest, once each, sorted."""
    found = LabCheck.objects.filter(step__lab_id=lab_id).values_list("clauses", flat=True)
    return tuple(sorted({clause for clauses in found for clause in clauses}))


def labs_by_slug(slugs: Iterable[str] | None = None) -> dict[str, Lab]:
    """The labs with these slugs, or all of them, by slug; unknown slugs are left out."""
    labs = Lab.objects.all() if slugs is None else Lab.objects.filter(slug__in=list(slugs))
    return {lab.slug: lab for lab in labs}


def lab_card(lab_id: int, learner: Model | None = None) -> LabCard | None:
    """The card of one published lab in the language in use; None when it is gone."""
    return lab_cards([lab_id], learner).get(lab_id)


def lab_cards(lab_ids: Iterable[int], learner: Model | None = None) -> dict[int, LabCard]:
    """The cards of the published labs among ``lab_ids``, in two queries."""
    labs = Lab.objects.published().in_bulk(list(lab_ids))
    passed: dict[int, datetime] = {}
    if labs and learner is not None and learner.pk is not None:
        rows = LabSession.objects.of(learner).passed().filter(lab_id__in=labs).order_by("-passed_at")
        passed = {lab: at for lab, at in rows.values_list("lab_id", "passed_at") if at is not None}
    return {
        pk: LabCard(
            lab_id=pk,
            title=lab.title,
            summary=lab.summary,
            minutes=lab.minutes,
            level=lab.level,
            url=reverse("labs:lab", args=[lab.slug]),
            passed_at=passed.get(pk),
            nodes=tuple(lab.node_names),
        )
        for pk, lab in labs.items()
    }


def open_class(name: str, teachers: Iterable[User], learners: Iterable[User]) -> None:
    """A new class with these people in it."""
    first, *others = teachers
    taught = classes.open_class(first, name)
    for person in others:
        classes.join(person, taught, Place.TEACHES)
    for person in learners:
        classes.join(person, taught)


def keep_class(key: str, name: str, teachers: Iterable[int], learners: Iterable[int]) -> None:
    """The class kept for ``key`` has this name and exactly these people, by their ids; repeating changes nothing."""
    classes.keep(key, name, teachers, learners)


def kept_learners(keys: Iterable[str]) -> dict[str, int]:
    """How many learn in the class kept for each of ``keys``; those without a class or without learners are left out."""
    learning = ClassPlace.objects.filter(taught_class__kept_for__in=list(keys), role=Place.LEARNS)
    counted = learning.order_by().values_list("taught_class__kept_for").annotate(Count("pk"))
    return dict(counted)


def wall_url(key: str, person: Model) -> str:
    """Where ``person`` sees the labs of the class kept for ``key``; empty when they do not teach it."""
    taught = TaughtClass.objects.taught_by(person).filter(kept_for=key).first() if key else None
    return reverse("labs:wall", args=[taught.pk]) if taught else ""


def set_prices(
    organisation: Organisation, note: str = "", valid_from: datetime | None = None, **rates: Decimal
) -> None:
    """From now, or then, on the organisation's labs cost this: ``cpu_hour``, ``gib_hour``, ``used_cpu_hour``."""
    RateCard.objects.create(
        organisation=organisation, note=note, valid_from=valid_from or timezone.now(), **rates
    )


def set_budget(organisation: Organisation, amount: Decimal) -> None:
    """The organisation pays this much a month for all its people, and labs stop when it is used up."""
    Budget.objects.create(organisation=organisation, amount=amount)


def show_usage(
    organisation: Organisation, learner: User, lab: Lab, began_at: datetime, minutes: int, cpu_percent: int
) -> None:
    """For an installation that is shown: in the ledger stands a sitting that nobody had."""
    past.enter(
        lab,
        learner=learner.pk,
        organisation=organisation.pk,
        began_at=began_at,
        minutes=minutes,
        cpu_percent=cpu_percent,
    )


def issue_statements() -> None:
    """Every statement of the last month stands, as on the first of this one."""
    statements.issue_due()


__all__ = [
    "Lab",
    "LabCard",
    "LabEvidence",
    "LabSession",
    "comes_from_our_pages",
    "issue_statements",
    "keep_class",
    "kept_learners",
    "lab_card",
    "lab_cards",
    "lab_clauses",
    "lab_evidence",
    "lab_minutes",
    "lab_passed",
    "labs_by_slug",
    "open_class",
    "passed_labs",
    "passed_labs_of",
    "render_markdown",
    "set_budget",
    "set_prices",
    "show_usage",
    "start_lab",
    "wall_url",
]
