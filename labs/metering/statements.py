"""A month's statement: worked out from the ledger, written once, and worked out again to the hundredth.

Rounding: a line is one person's use of one lab under one rate card; its exact price is rounded once to the nearest
hundredth, exactly half upwards; the total is the sum of the rounded lines. docs/metering.md says it to readers.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from community.api import Membership, Organisation, User
from labs.metering import pricing
from labs.metering.pricing import Totals
from labs.metering.rates import Book, rates_of
from labs.models import Meter, RateCard, Statement, StatementLine, UsageEntry
from labs.models.ledger import seal


@dataclass(frozen=True)
class Payer:
    """An organisation, or a person for what they used themselves."""

    organisation: int | None = None
    learner: int | None = None

    @property
    def whose(self) -> Q:
        return Q(organisation=self.organisation) if self.organisation is not None else Q(learner=self.learner)


@dataclass
class Worked:
    """What the ledger says about a payer's month in one currency."""

    lines: dict[tuple[int, str, int], Totals] = field(default_factory=lambda: defaultdict(Totals))
    digests: list[str] = field(default_factory=list)

    @property
    def ledger_digest(self) -> str:
        return hashlib.sha256("".join(self.digests).encode()).hexdigest()


def bounds(month: date) -> tuple[datetime, datetime]:
    """When the calendar month begins and ends, where the installation is."""
    zone = timezone.get_default_timezone()
    start = datetime(month.year, month.month, 1, tzinfo=zone)
    later = (start + timedelta(days=32)).replace(day=1)
    return start, datetime(later.year, later.month, 1, tzinfo=zone)


def work_out(payer: Payer, month: date, cards: Book | None = None) -> dict[str, Worked]:
    """The payer's month by currency, from the ledger alone; what has no price is left out."""
    start, end = bounds(month)
    entries = list(UsageEntry.objects.filter(payer.whose, learner__isnull=False).begun_in(start, end))
    book = cards or Book.of(entry.organisation_id for entry in entries)
    worked: dict[str, Worked] = defaultdict(Worked)
    for entry in entries:
        card = book.card(entry.organisation_id, entry.began_at)
        if card is None or entry.learner_id is None:
            continue
        found = worked[card.currency]
        key = (entry.learner_id, entry.lab, card.pk)
        found.lines[key] += Totals(entry.millicpu_us, entry.mib_us, entry.cpu_ns)
        found.digests.append(entry.digest)
    return dict(worked)


def issue(payer: Payer, month: date) -> list[Statement]:
    """The payer's statements of the month, one per currency, written once; repeating gives the same ones."""
    issued = []
    for currency, worked in work_out(payer, month).items():
        known = Statement.objects.filter(number=_number(payer, month, currency)).first()
        try:
            issued.append(known or _write(payer, month, currency, worked))
        except IntegrityError:
            # Another worker wrote it at the same moment.
            issued.append(Statement.objects.get(number=_number(payer, month, currency)))
    return issued


def issue_due(now: datetime | None = None) -> list[Statement]:
    """Every statement of the last month is written, unless a meter has not yet written all of that month."""
    this_month, _end = bounds(timezone.localtime(now or timezone.now()).date())
    month = (this_month - timedelta(days=1)).astimezone(timezone.get_default_timezone()).date().replace(day=1)
    start, end = bounds(month)
    late = Meter.objects.running().filter(since__lt=end, learner__isnull=False)
    waiting = set(late.values_list("organisation", "learner"))
    rows = UsageEntry.objects.filter(learner__isnull=False).begun_in(start, end).order_by()
    pairs = set(rows.values_list("organisation", "learner").distinct())
    organisations = {o for o, _l in pairs if o is not None} - {o for o, _l in waiting}
    learners = {person for _o, person in pairs} - {person for _o, person in waiting}
    payers = [Payer(organisation=pk) for pk in sorted(organisations)]
    payers += [Payer(learner=pk) for pk in sorted(learners)]
    known = set(Statement.objects.filter(month=month).values_list("organisation", "learner"))
    return [
        made
        for payer in payers
        if (payer.organisation, payer.learner) not in known
        for made in issue(payer, month)
    ]


@transaction.atomic
def _write(payer: Payer, month: date, currency: str, worked: Worked) -> Statement:
    cards = RateCard.objects.in_bulk({card for _l, _lab, card in worked.lines})
    names = {person.pk: str(person) for person in User.objects.filter(pk__in={k[0] for k in worked.lines})}
    amounts = _amounts(worked, cards)
    statement = Statement.objects.create(
        number=_number(payer, month, currency),
        organisation_id=payer.organisation,
        learner_id=payer.learner,
        payer_name=_payer_name(payer, names),
        month=month,
        currency=currency,
        total_minor=sum(amounts.values()),
        entries=len(worked.digests),
        ledger_digest=worked.ledger_digest,
    )
    StatementLine.objects.bulk_create(
        StatementLine(
            statement=statement,
            learner_id=learner,
            learner_name=names.get(learner, f"#{learner}"),
            lab=lab,
            rate_card_id=card,
            millicpu_us=total.millicpu_us,
            mib_us=total.mib_us,
            cpu_ns=total.cpu_ns,
            amount_minor=amounts[learner, lab, card],
        )
        for (learner, lab, card), total in sorted(worked.lines.items())
    )
    return statement


def _amounts(worked: Worked, cards: dict[int, RateCard]) -> dict[tuple[int, str, int], int]:
    return {
        key: pricing.minor(pricing.cost(total, rates_of(cards[key[2]])))
        for key, total in worked.lines.items()
    }


def _number(payer: Payer, month: date, currency: str) -> str:
    who = f"o{payer.organisation}" if payer.organisation is not None else f"p{payer.learner}"
    return f"{month:%Y-%m}-{who}-{currency.lower()}"


def _payer_name(payer: Payer, names: dict[int, str]) -> str:
    if payer.organisation is None:
        return names.get(payer.learner or 0, f"#{payer.learner}")
    found = Organisation.objects.filter(pk=payer.organisation).first()
    return f"{found.name_zh} {found.name_en}" if found else f"#{payer.organisation}"


def differences(statement: Statement) -> list[str]:
    """What a second working out, from the ledger and the rate cards, finds otherwise; empty when all agrees.

    Besides the sums it looks at every entry's seal, so a row that was changed behind the triggers is named.
    """
    payer = Payer(statement.organisation_id, statement.learner_id)
    found = broken_seals(payer, statement.month)
    worked = work_out(payer, statement.month).get(statement.currency, Worked())
    if len(worked.digests) != statement.entries:
        found.append(f"entries: {statement.entries} in the statement, {len(worked.digests)} in the ledger")
    if worked.ledger_digest != statement.ledger_digest:
        found.append("the ledger's entries are not those the statement was worked out from")
    cards = RateCard.objects.in_bulk({card for _l, _lab, card in worked.lines})
    amounts = _amounts(worked, cards)
    lines: dict[tuple[int, str, int], StatementLine] = {
        (int(line.learner_id or 0), line.lab, line.rate_card_id): line for line in statement.lines.all()
    }
    for key in sorted({*lines, *amounts}):
        written = lines[key].amount_minor if key in lines else 0
        if written != amounts.get(key, 0):
            found.append(f"line {key}: {written} in the statement, {amounts.get(key, 0)} from the ledger")
        elif _held(lines.get(key)) != worked.lines.get(key, Totals()):
            found.append(f"line {key}: other quantities in the ledger")
    if statement.total_minor != sum(amounts.values()):
        found.append(
            f"total: {statement.total_minor} in the statement, {sum(amounts.values())} from the ledger"
        )
    return found


def _held(line: StatementLine | None) -> Totals:
    return Totals(line.millicpu_us, line.mib_us, line.cpu_ns) if line else Totals()


def broken_seals(payer: Payer, month: date) -> list[str]:
    """The entries of the payer's month whose digest does not follow from what they say and the one before."""
    start, end = bounds(month)
    entries = list(UsageEntry.objects.filter(payer.whose).begun_in(start, end))
    refs = {entry.ref for entry in entries}
    before = {
        (ref, node, sequence): digest
        for ref, node, sequence, digest in UsageEntry.objects.filter(ref__in=refs).values_list(
            "ref", "node", "sequence", "digest"
        )
    }
    return [
        f"entry {entry.pk} ({entry}) was changed"
        for entry in entries
        if seal(entry, before.get((entry.ref, entry.node, entry.sequence - 1), "")) != entry.digest
    ]


def visible_to(person: Any) -> QuerySet[Statement]:
    """A person's own statements, those of organisations they answer for, and all of them to operators."""
    if person.has_perm("labs.view_statement"):
        return Statement.objects.all()
    answers_for = Membership.objects.current().of(person).responsible().values("organisation")
    return Statement.objects.filter(Q(learner=person.pk) | Q(organisation__in=answers_for))


def matching(statements: QuerySet[Statement], words: str) -> QuerySet[Statement]:
    """Those in whose number or payer every word occurs."""
    for word in words.split()[:8]:
        statements = statements.filter(Q(number__icontains=word) | Q(payer_name__icontains=word))
    return statements


def rows(statement: Statement) -> Iterable[StatementLine]:
    return statement.lines.select_related("rate_card")
