"""Which limits hold for whom, how much of each is used, and who is warned and stopped when nothing is left."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Subquery, Sum
from django.utils import timezone

from community.api import Membership, organisations_of
from labs import notices
from labs.metering import budgets
from labs.metering.limits import USED_UP, WARNS_AT, Limit, period_around
from labs.models import (
    Allowance,
    AllowanceWarning,
    ClassPlace,
    Kind,
    LabSession,
    Meter,
    Period,
    Place,
    Sandbox,
    UsageEntry,
)

SHARES = (WARNS_AT, USED_UP)
WEEK = timedelta(days=7)
# Millicpu-microseconds to a processor second, MiB-microseconds to a MiB-second.
UNITS = {Kind.CPU: 1_000_000_000, Kind.MEMORY: 1_000_000}
# What was held of both, in the units of the ledger.
Held = tuple[int, int]


class Reckoning:
    """The limits of some learners at one moment; each sum is asked for once, for all of them.

    An interval of the ledger belongs to the period in which it began, as it does for budgets; the running ones count
    until now. A class's allowance counts what its learners used since they joined.
    """

    def __init__(
        self, learner_ids: Iterable[int], open_now: dict[int, int] | None = None, *, has_rules: bool = True
    ) -> None:
        """``open_now`` says how many labs each of them has open, ``has_rules`` that there are any, where the caller knows."""
        self.now = timezone.now()
        self.learners = list(learner_ids)
        self.rules: list[Allowance] = []
        if has_rules:
            rules = Allowance.objects.limiting().concerning(self.learners)
            self.rules = list(rules.select_related("organisation", "taught_class"))
        self.payers: dict[int, int] = {}
        if any(rule.organisation_id for rule in self.rules):
            self.payers = organisations_of(self.learners)
        self.classes: dict[int, set[int]] = {}
        if any(rule.taught_class_id for rule in self.rules):
            places = ClassPlace.objects.filter(person__in=self.learners, role=Place.LEARNS)
            for person, taught_class in places.values_list("person_id", "taught_class_id"):
                self.classes.setdefault(person, set()).add(taught_class)
        self._held: dict[tuple[str, datetime], dict[int, Held]] = {}
        self._open: dict[str, dict[int, int]] = {} if open_now is None else {"learner": open_now}

    @property
    def has_amounts(self) -> bool:
        return any(rule.cpu_seconds is not None or rule.mib_seconds is not None for rule in self.rules)

    def limits(self, learner: int) -> list[Limit]:
        """Every limit that holds for the learner, the tightest first."""
        return sorted(self._limits(learner), key=lambda limit: -limit.tightness)

    def _limits(self, learner: int) -> Iterator[Limit]:
        for kind in Kind:
            own = self._own(learner, kind)
            if own is not None:
                yield self._limit(own, kind, learner)
            elif kind == Kind.SANDBOXES:
                most = settings.LABS_SESSIONS_PER_LEARNER
                yield Limit(kind, most, self._open_of("learner", learner), learner=learner)
            for rule in self.rules:
                if rule.most(kind) is not None and self._shares(learner, rule):
                    yield self._limit(rule, kind, None)

    def _own(self, learner: int, kind: Kind) -> Allowance | None:
        """The learner's own allowance of ``kind``, else that of every learner."""
        set_ones = [rule for rule in self.rules if rule.most(kind) is not None]
        own = (rule for rule in set_ones if rule.learner_id == learner)
        everybodys = (
            rule
            for rule in set_ones
            if rule.learner_id is None and rule.organisation_id is None and rule.taught_class_id is None
        )
        return next(own, None) or next(everybodys, None)

    def _shares(self, learner: int, rule: Allowance) -> bool:
        """Whether the learner is one of the class or organisation that the rule is for."""
        if rule.organisation_id is not None:
            return self.payers.get(learner) == rule.organisation_id
        return rule.taught_class_id is not None and rule.taught_class_id in self.classes.get(learner, set())

    def _limit(self, rule: Allowance, kind: Kind, learner: int | None) -> Limit:
        circle, pk = "learner", learner
        if learner is None:
            circle = "organisation" if rule.organisation_id else "class"
            pk = rule.organisation_id or rule.taught_class_id
        most = rule.most(kind)
        if most is None or pk is None:
            raise ValueError(f"{rule} limits no {kind} of {circle} {pk}")
        if kind == Kind.SANDBOXES:
            return Limit(kind, most, self._open_of(circle, pk), rule, learner)
        start, end = period_around(rule.period, self.now)
        held = self._held_by(circle, pk, start)[0 if kind == Kind.CPU else 1]
        return Limit(kind, most, held // UNITS[kind], rule, learner, start, end)

    def _open_of(self, circle: str, pk: int) -> int:
        if circle == "class":
            return self._open_in_class(pk)
        if circle not in self._open:
            self._open[circle] = {}
            rows = LabSession.objects.open()
            if circle == "organisation":
                payer = (
                    Membership.objects.current()
                    .filter(person=OuterRef("learner"))
                    .order_by("joined_at", "pk")
                )
                rows = rows.annotate(party=Subquery(payer.values("organisation")[:1]))
                rows = rows.filter(party__in=set(self.payers.values()))
            else:
                rows = rows.annotate(party=F("learner_id")).filter(learner__in=self.learners)
            for party in rows.order_by().values_list("party", flat=True):
                self._open[circle][party] = self._open[circle].get(party, 0) + 1
        return self._open[circle].get(pk, 0)

    def _open_in_class(self, class_id: int) -> int:
        key = f"class {class_id}"
        if key not in self._open:
            people = ClassPlace.objects.filter(taught_class=class_id, role=Place.LEARNS).values("person")
            count = LabSession.objects.open().filter(learner__in=people).count()
            self._open[key] = {class_id: count}
        return self._open[key][class_id]

    def _held_by(self, circle: str, pk: int, start: datetime) -> Held:
        key = (circle if circle != "class" else f"class {pk}", start)
        if key not in self._held:
            self._held[key] = _sums(circle, self._parties(circle, pk), start, self.now)
        return self._held[key].get(pk, (0, 0))

    def _parties(self, circle: str, pk: int) -> list[int]:
        if circle == "class":
            return [pk]
        return self.learners if circle == "learner" else sorted(set(self.payers.values()))


def _sums(circle: str, parties: list[int], start: datetime, now: datetime) -> dict[int, Held]:
    """What each party held since ``start``: one query of the ledger, one of the running meters."""
    entries = UsageEntry.objects.filter(began_at__gte=start, learner__isnull=False)
    meters = Meter.objects.running().filter(since__gte=start, learner__isnull=False)
    if circle == "class":
        (class_id,) = parties
        entries = entries.filter(_learnt("began_at", class_id), learner__in=_people(class_id))
        meters = meters.filter(_learnt("since", class_id), learner__in=_people(class_id))
        sums = entries.aggregate(cpu=Sum("millicpu_us"), memory=Sum("mib_us"))
        found: dict[int, Held] = {class_id: (int(sums["cpu"] or 0), int(sums["memory"] or 0))}
    else:
        whose = Q(**{f"{circle}__in": parties})
        entries, meters = entries.filter(whose), meters.filter(whose)
        grouped = entries.order_by().values_list(f"{circle}_id")
        rows = grouped.annotate(cpu=Sum("millicpu_us"), memory=Sum("mib_us"))
        found = {party: (int(cpu), int(memory)) for party, cpu, memory in rows}
    for meter in meters:
        party = parties[0] if circle == "class" else getattr(meter, f"{circle}_id")
        _duration, cpu, memory = meter.held(now)
        before = found.get(party, (0, 0))
        found[party] = (before[0] + cpu, before[1] + memory)
    return found


def _people(class_id: int) -> Subquery:
    return Subquery(ClassPlace.objects.filter(taught_class=class_id, role=Place.LEARNS).values("person"))


def _learnt(moment: str, class_id: int) -> Exists:
    """Whether the learner of a row had joined the class by then."""
    return Exists(
        ClassPlace.objects.filter(
            taught_class=class_id,
            role=Place.LEARNS,
            person=OuterRef("learner"),
            joined_at__lte=OuterRef(moment),
        )
    )


def limits_of(learner_id: int) -> list[Limit]:
    """Every limit that holds for the learner, the tightest first."""
    return Reckoning([learner_id]).limits(learner_id)


def amounts_of(learner_id: int) -> list[Limit]:
    """The same without the number of labs at once; one query where no amount is limited."""
    reckoning = Reckoning([learner_id])
    if not reckoning.has_amounts:
        return []
    return [limit for limit in reckoning.limits(learner_id) if limit.is_amount]


def watch() -> budgets.Due:
    """Whoever has used most of an amount is told, once; what runs beyond a used-up one's grace is due to stop."""
    now = timezone.now()
    due = budgets.Due()
    running = Sandbox.objects.filter(state__in=budgets.RUNNING, session__isnull=False)
    sandboxes = list(running.values_list("pk", "session_id", "session__learner_id"))
    if not sandboxes:
        return due
    reckoning = Reckoning(sorted({learner for _pk, _session, learner in sandboxes}))
    if not reckoning.has_amounts:
        return due
    notes = _Notes(reckoning)
    for pk, session_id, learner in sandboxes:
        reached = [
            (limit, share)
            for limit in reckoning.limits(learner)
            for share in SHARES
            if limit.is_amount and limit.percent >= share
        ]
        found = [notes.of(limit, share) for limit, share in reached]
        if any(note.pk in notes.new for note in found):
            notices.session_changed(session_id)
        if any(note.percent == USED_UP and now >= budgets.ends_at(note) for note in found):
            due.stop.append(pk)
    return due


class _Notes:
    """That shares were reached, each written once, however many run on it."""

    def __init__(self, reckoning: Reckoning) -> None:
        month, _end = period_around(Period.MONTH, reckoning.now - WEEK)
        written = AllowanceWarning.objects.filter(allowance__in=reckoning.rules, began_at__gte=month)
        self.known: dict[tuple[Any, ...], AllowanceWarning] = {
            (note.allowance_id, note.learner_id, note.kind, note.began_at, note.percent): note
            for note in written
        }
        self.new: set[int] = set()

    def of(self, limit: Limit, share: int) -> AllowanceWarning:
        said: dict[str, Any] = {**_which(limit), "percent": share}
        key = tuple(said.values())
        if key not in self.known:
            self.known[key], is_new = AllowanceWarning.objects.get_or_create(**said)
            if is_new:
                self.new.add(self.known[key].pk)
        return self.known[key]


def _which(limit: Limit) -> dict[str, Any]:
    return {
        "allowance_id": limit.allowance.pk if limit.allowance else None,
        "learner_id": limit.learner,
        "kind": limit.kind.value,
        "began_at": limit.began_at,
    }


def ends_at(limit: Limit) -> datetime:
    """When what runs on the used-up amount is stopped, unless more is given meanwhile."""
    found = AllowanceWarning.objects.filter(**_which(limit), percent=USED_UP).first()
    return budgets.ends_at(found or AllowanceWarning(at=timezone.now()))
