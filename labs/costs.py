"""What the pages on use and cost show, gathered for their templates and files."""

import csv
import io
from fractions import Fraction
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from community.api import Membership, Organisation, User
from labs.metering import budgets, limits, quotas, statements
from labs.metering.pricing import Totals, in_units
from labs.metering.rates import money
from labs.metering.totals import used
from labs.models import Lab, Statement, StatementLine

HOUR_S = 3600
COLUMNS = (
    "statement",
    "month",
    "person",
    "lab",
    "rate_card",
    "cpu_seconds_held",
    "mib_seconds_held",
    "cpu_seconds_used",
    "amount",
    "currency",
)


def month_facts(person: User) -> dict[str, Any]:
    """What the person used this month, and what it comes to by currency."""
    start, _end = budgets.period(timezone.now())
    total = used([person.pk], since=start)
    return {
        "month": start.date(),
        "total": quantities(total),
        "allowances": [limits.row_of(limit) for limit in quotas.limits_of(person.pk)],
        "cost": [money(amount, currency) for currency, amount in _running_cost(person).items()],
    }


def _running_cost(person: User) -> dict[str, Fraction]:
    return budgets.cost_of_learner(person.pk, timezone.now())


def organisations_answered_for(person: User) -> list[Organisation]:
    """Those whose budgets the person may set."""
    if person.has_perm("labs.view_statement"):
        return list(Organisation.objects.all())
    answered = Membership.objects.current().of(person).responsible().values("organisation")
    return list(Organisation.objects.filter(pk__in=answered))


def quantities(total: Totals) -> dict[str, str]:
    """Hours in digits: processors held, GiB held, processors used."""
    return {
        "cpu_hours": f"{float(total.cpu_seconds / HOUR_S):.3f}",
        "gib_hours": f"{float(total.mib_seconds / 1024 / HOUR_S):.3f}",
        "used_cpu_hours": f"{float(total.used_cpu_seconds / HOUR_S):.3f}",
    }


def amount(minor: int, currency: str) -> str:
    return money(Fraction(minor, 100), currency)


def statement_row(statement: Statement) -> dict[str, Any]:
    return {
        "statement": statement,
        "month": f"{statement.month:%Y-%m}",
        "total": amount(statement.total_minor, statement.currency),
    }


def statement_facts(statement: Statement) -> dict[str, Any]:
    """The statement with its lines in words and the rate cards they were priced by."""
    lines = list(statements.rows(statement))
    titles = {lab.slug: lab.title for lab in Lab.objects.filter(slug__in={line.lab for line in lines})}
    return {
        "statement": statement,
        "month": f"{statement.month:%Y-%m}",
        "total": amount(statement.total_minor, statement.currency),
        "lines": [_line(line, titles, statement.currency) for line in lines],
        "cards": sorted({line.rate_card for line in lines}, key=lambda card: card.pk),
    }


def _line(line: StatementLine, titles: dict[str, str], currency: str) -> dict[str, Any]:
    return {
        "learner": line.learner_name,
        "lab": titles.get(line.lab, line.lab) or _("removed lab"),
        "card": line.rate_card,
        "amount": amount(line.amount_minor, currency),
        **quantities(Totals(line.millicpu_us, line.mib_us, line.cpu_ns)),
    }


def statement_csv(statement: Statement) -> bytes:
    """The lines with exact quantities, as spreadsheets read them in any language; no cell is taken for a formula."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for line in statements.rows(statement):
        rows.writerow(_cells(statement, line))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _cells(statement: Statement, line: StatementLine) -> tuple[object, ...]:
    return (
        statement.number,
        f"{statement.month:%Y-%m}",
        _plain(line.learner_name),
        line.lab,
        line.rate_card.version,
        _exact(line.millicpu_us, 9),
        _exact(line.mib_us, 6),
        _exact(line.cpu_ns, 9),
        in_units(line.amount_minor),
        statement.currency,
    )


def _plain(cell: str) -> str:
    return f"'{cell}" if cell[:1] in "=+-@\t\r" else cell


def _exact(number: int, digits: int) -> str:
    return f"{number // 10**digits}.{number % 10**digits:0{digits}d}"
