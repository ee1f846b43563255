"""Which rate card prices what, and what that comes to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from django.db.models import Model, Q
from django.utils import timezone

from community.api import organisation_of
from labs.metering import pricing
from labs.metering.pricing import Rates, Totals
from labs.metering.totals import running, summed
from labs.models import Meter, Node, RateCard, Sandbox, UsageEntry

SYMBOLS = {"CNY": "¥", "EUR": "€", "USD": "US$"}


def rates_of(card: RateCard) -> Rates:
    return Rates(
        card.currency, Fraction(card.cpu_hour), Fraction(card.gib_hour), Fraction(card.used_cpu_hour)
    )


@dataclass(frozen=True)
class Book:
    """The rate cards of some organisations and of the installation, newest first."""

    cards: tuple[RateCard, ...]

    @classmethod
    def of(cls, organisations: Iterable[int | None]) -> "Book":
        """In one query."""
        wanted = [pk for pk in set(organisations) if pk is not None]
        found = RateCard.objects.filter(Q(organisation=None) | Q(organisation__in=wanted))
        return cls(tuple(found.order_by("-valid_from", "-pk")))

    def card(self, organisation: int | None, at: datetime) -> RateCard | None:
        """The newest card valid ``at``: the organisation's own, else the installation's; None where nothing costs."""
        valid = [card for card in self.cards if card.valid_from <= at]
        own = next((card for card in valid if card.organisation_id == organisation), None)
        return own or next((card for card in valid if card.organisation_id is None), None)

    def spans(
        self, organisation: int | None, start: datetime, end: datetime
    ) -> Iterator[tuple[datetime, datetime, RateCard | None]]:
        """``start`` to ``end`` in pieces within which one card holds."""
        changes = {card.valid_from for card in self.cards if card.organisation_id in {None, organisation}}
        bounds = [start, *sorted(at for at in changes if start < at < end), end]
        for begins, ends in pairwise(bounds):
            yield begins, ends, self.card(organisation, begins)


@dataclass(frozen=True)
class Price:
    """What holding costs in an hour, and for a whole sitting where one is asked about."""

    currency: str
    per_hour: Fraction
    whole: Fraction = Fraction(0)


@dataclass(frozen=True)
class Change:
    """What holding costs in an hour before and after a change of size."""

    currency: str
    before: Fraction
    after: Fraction


def lab_price(learner: Model | None, millicpus: int, memory_mib: int, minutes: int) -> Price | None:
    """What machines of this size would cost whoever pays for ``learner``; None where nothing costs."""
    organisation = organisation_of(learner) if learner is not None else None
    card = Book.of([organisation]).card(organisation, timezone.now())
    if card is None:
        return None
    hourly = pricing.per_hour(millicpus, memory_mib, rates_of(card))
    return Price(card.currency, hourly, hourly * minutes / 60)


def price_change(node: Node, millicpus: int, memory_mib: int) -> Change | None:
    """What the node's new size would change; ``memory_mib`` is what its programs get. None where nothing costs."""
    meter = Meter.objects.filter(sandbox_id=node.sandbox_id, node=node.name).first()
    organisation = meter.organisation_id if meter else None
    card = Book.of([organisation]).card(organisation, timezone.now())
    if card is None:
        return None
    file_systems = node.limit_mib - node.memory_mib
    rates = rates_of(card)
    return Change(
        card.currency,
        pricing.per_hour(node.millicpus, node.limit_mib, rates),
        pricing.per_hour(millicpus, memory_mib + file_systems, rates),
    )


@dataclass(frozen=True)
class Bill:
    """What a sandbox has cost until now, and costs in an hour as it is now."""

    currency: str
    so_far: Fraction
    per_hour: Fraction


def bill(sandbox: Sandbox) -> Bill | None:
    """What the sandbox has cost until now, in three queries; None where nothing costs or nothing was metered."""
    return bills([sandbox]).get(sandbox.ref)


def bills(sandboxes: Iterable[Sandbox]) -> dict[str, Bill]:
    """The bills of those that cost anything, by ref, in three queries for any number of them."""
    now = timezone.now()
    refs = {sandbox.pk: sandbox.ref for sandbox in sandboxes}
    entries: dict[str, list[UsageEntry]] = defaultdict(list)
    meters: dict[str, list[Meter]] = defaultdict(list)
    for entry in UsageEntry.objects.filter(ref__in=refs.values()):
        entries[entry.ref].append(entry)
    for meter in Meter.objects.running().filter(sandbox__in=refs):
        meters[refs[meter.sandbox_id]].append(meter)
    lines: list[UsageEntry | Meter] = [line for mine in entries.values() for line in mine]
    lines += [line for mine in meters.values() for line in mine]
    if not lines:
        return {}
    book = Book.of({line.organisation_id for line in lines})
    found = {ref: _bill(entries[ref], meters[ref], book, now) for ref in refs.values()}
    return {ref: bill for ref, bill in found.items() if bill is not None}


def _bill(entries: list[UsageEntry], meters: list[Meter], book: Book, now: datetime) -> Bill | None:
    parts: list[tuple[UsageEntry | Meter, datetime, Totals]] = [
        *((e, e.began_at, Totals(e.millicpu_us, e.mib_us, e.cpu_ns)) for e in entries),
        *((m, m.since, running(m, m.since, now)) for m in meters),
    ]
    priced = [
        (card, total)
        for line, began, total in parts
        if line.learner_id is not None and (card := book.card(line.organisation_id, began)) is not None
    ]
    if not priced:
        return None
    so_far = sum((pricing.cost(total, rates_of(card)) for card, total in priced), Fraction(0))
    return Bill(priced[-1][0].currency, so_far, _hourly(meters, book, now))


def _hourly(meters: list[Meter], book: Book, now: datetime) -> Fraction:
    total = Fraction(0)
    for meter in meters:
        card = book.card(meter.organisation_id, now)
        if card is not None and meter.learner_id is not None:
            _duration, millicpu_us, mib_us = meter.held_for(3600)
            total += pricing.cost(Totals(millicpu_us, mib_us), rates_of(card))
    return total


def cost_between(
    organisation: int | None, whose: Q, start: datetime, end: datetime, currency: str
) -> Fraction:
    """What ``whose`` use begun in the period costs the organisation in ``currency``, running meters included."""
    book = Book.of([organisation])
    total = Fraction(0)
    paid = whose & Q(organisation_id=organisation)
    for begins, ends, card in book.spans(organisation, start, end):
        if card is None or card.currency != currency:
            continue
        rows = UsageEntry.objects.filter(paid, learner__isnull=False).begun_in(begins, ends)
        total += pricing.cost(summed(rows), rates_of(card))
    now = timezone.now()
    for meter in Meter.objects.running().filter(paid, learner__isnull=False, since__gte=start, since__lt=end):
        card = book.card(organisation, meter.since)
        if card is not None and card.currency == currency:
            total += pricing.cost(running(meter, meter.since, now), rates_of(card))
    return total


def money(amount: Fraction, currency: str, digits_after: int = 2) -> str:
    """The amount with its currency, for people."""
    symbol = SYMBOLS.get(currency)
    digits = pricing.shown(amount, digits_after)
    return f"{symbol}{digits}" if symbol else f"{currency} {digits}"
