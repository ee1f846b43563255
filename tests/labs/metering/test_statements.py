"""Statements: written once, worked out again to the hundredth, and any tampering found."""

import io
from datetime import date, timedelta
from decimal import Decimal

import pypdf
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from community.api import Membership, Role, assign, ensure_roles
from labs import costs, printing, tasks
from labs.metering import statements
from labs.metering.statements import Payer
from labs.models import Statement, StatementLine, UsageEntry
from labs.models.ledger import seal
from tests.labs.factories import LearnerFactory
from tests.labs.metering.conftest import BEGAN, card, joined, made, worked

pytestmark = pytest.mark.django_db

MARCH = date(2026, 3, 1)
DAY = 86_400


@pytest.fixture
def month(engine, clock, school):
    """Two people of the school worked in March under two rate cards, one alone for himself; it is April now."""
    card()
    first, second, alone = joined(school, printed_name="林晓"), joined(school), LearnerFactory()
    worked(engine, clock, 1001.7, learner=first)
    worked(engine, clock, 333.333333, learner=second)
    card(school, cpu_hour=Decimal("7.123456"), valid_from=BEGAN + timedelta(days=2))
    clock(3 * DAY)
    worked(engine, clock, 777.7, learner=first)
    worked(engine, clock, 50.5, learner=alone)
    clock(25 * DAY)
    return {"first": first, "second": second, "alone": alone}


def unguarded(statement: str, *values: object) -> None:
    """Somebody with the database in hand takes the triggers away and changes rows."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER append_only_labs_usageentry_update")
            cursor.execute("DROP TRIGGER append_only_labs_usageentry_delete")
        else:
            cursor.execute("DROP FUNCTION append_only_labs_usageentry() CASCADE")
        cursor.execute(statement, values)


def test_every_payer_gets_one_statement_of_the_month_that_is_over(month, school):
    tasks.issue_statements()
    tasks.issue_statements()
    found = Statement.objects.all()
    assert {(one.organisation_id, one.learner_id) for one in found} == {
        (school.pk, None),
        *((None, person.pk) for person in month.values()),
    }
    assert {one.month for one in found} == {MARCH}
    paid = found.get(organisation=school)
    assert paid.total_minor == sum(line.amount_minor for line in paid.lines.all())
    assert [line.learner_name for line in paid.lines.all()].count("林晓") == 2
    assert {line.rate_card.version for line in paid.lines.filter(learner=month["first"])} == {1}


def test_worked_out_again_every_statement_agrees(month):
    tasks.issue_statements()
    for statement in Statement.objects.all():
        assert statements.differences(statement) == []
    said = io.StringIO()
    call_command("recompute_statement", stdout=said)
    assert said.getvalue().count("agrees") == Statement.objects.count() == 4


def test_a_later_rate_card_changes_no_statement(month, school):
    tasks.issue_statements()
    card(school, cpu_hour=Decimal(99), valid_from=BEGAN + timedelta(days=40))
    for statement in Statement.objects.all():
        assert statements.differences(statement) == []


def test_a_changed_row_of_the_ledger_is_found(month, school):
    tasks.issue_statements()
    row = UsageEntry.objects.filter(organisation=school).first()
    unguarded("UPDATE labs_usageentry SET lab = 'cheap' WHERE id = %s", row.pk)
    found = statements.differences(Statement.objects.get(organisation=school))
    assert f"entry {row.pk}" in found[0]
    with pytest.raises(CommandError, match="differ"):
        call_command("recompute_statement", stdout=io.StringIO())


def test_a_changed_row_is_found_though_it_was_sealed_anew(month, school):
    tasks.issue_statements()
    row = UsageEntry.objects.filter(organisation=school).last()
    row.memory_kib_ms += 1
    before = UsageEntry.objects.filter(ref=row.ref, node=row.node, sequence=row.sequence - 1).first()
    forged = seal(row, before.digest if before else "")
    unguarded(
        "UPDATE labs_usageentry SET memory_kib_ms = %s, digest = %s WHERE id = %s",
        row.memory_kib_ms,
        forged,
        row.pk,
    )
    found = statements.differences(Statement.objects.get(organisation=school))
    assert found == ["the ledger's entries are not those the statement was worked out from"]


def test_a_deleted_row_is_found(month, school):
    tasks.issue_statements()
    row = UsageEntry.objects.filter(organisation=school).first()
    unguarded("DELETE FROM labs_usageentry WHERE id = %s", row.pk)
    found = statements.differences(Statement.objects.get(organisation=school))
    assert any("entries:" in line for line in found)
    assert any("total:" in line for line in found)


def test_a_statement_is_never_changed(month):
    tasks.issue_statements()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Statement.objects.update(total_minor=0)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        StatementLine.objects.update(amount_minor=0)


def test_a_statement_waits_for_meters_that_have_not_written_all_of_the_month(engine, clock, school):
    card()
    learner = joined(school)
    worked(engine, clock, 60, learner=learner)
    clock(21 * DAY - 60)
    sandbox = made(engine, learner=learner)
    clock(11 * DAY)
    assert statements.issue_due() == []
    tasks.sample()
    issued = statements.issue_due()
    assert {one.organisation_id for one in issued} == {school.pk, None}
    assert sandbox.ref in UsageEntry.objects.values_list("ref", flat=True)


def test_of_two_workers_that_write_at_once_one_does(month, school):
    first = statements.issue(Payer(organisation=school.pk), MARCH)
    assert statements.issue(Payer(organisation=school.pk), MARCH) == first


def test_the_csv_sums_up_to_the_statement_and_holds_no_formula(engine, clock, school):
    card()
    worked(engine, clock, 100, learner=joined(school, printed_name="=1+1"))
    clock(25 * DAY)
    tasks.issue_statements()
    statement = Statement.objects.get(organisation=school)
    head, *rows = costs.statement_csv(statement).decode("utf-8-sig").splitlines()
    assert head.split(",")[0] == "statement"
    assert sum(Decimal(row.split(",")[8]) for row in rows) * 100 == statement.total_minor
    assert rows[0].split(",")[2] == "'=1+1"
    assert rows[0].split(",")[5] == "50.000000000"


def test_the_pdf_says_what_the_statement_says(month, school):
    tasks.issue_statements()
    statement = Statement.objects.get(organisation=school)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printing.pdf(statement))).pages)
    for words in (statement.number, "Cloud College", "林晓", costs.amount(statement.total_minor, "CNY")):
        assert words in text


class TestThePages:
    def visitor(self, person) -> Client:
        browser = Client()
        browser.force_login(person, "django.contrib.auth.backends.ModelBackend")
        return browser

    def test_a_person_sees_their_own_and_those_they_answer_for(self, month, school):
        head = joined(school, responsible=True)
        tasks.issue_statements()
        numbers = {one.pk: one.number for one in Statement.objects.all()}
        own = Statement.objects.get(learner=month["first"]).number
        paid = Statement.objects.get(organisation=school).number
        page = self.visitor(month["first"]).get("/en/labs/costs/").content.decode()
        assert {number for number in numbers.values() if number in page} == {own}
        page = self.visitor(head).get("/en/labs/costs/").content.decode()
        assert {number for number in numbers.values() if number in page} == {paid}
        assert self.visitor(month["first"]).get(f"/en/labs/costs/statements/{paid}/").status_code == 404
        for form in ("", "csv/", "pdf/"):
            assert self.visitor(head).get(f"/en/labs/costs/statements/{paid}/{form}").status_code == 200
            assert (
                self.visitor(month["first"]).get(f"/en/labs/costs/statements/{paid}/{form}").status_code
                == 404
            )

    def test_those_who_have_left_see_no_more_of_the_organisation(self, month, school):
        head = joined(school, responsible=True)
        Membership.objects.filter(person=head).update(left_at=BEGAN)
        tasks.issue_statements()
        assert list(statements.visible_to(head)) == []

    def test_operators_see_and_search_all(self, month, school):
        ensure_roles()
        operator = LearnerFactory()
        assign(operator, Role.OPERATOR)
        tasks.issue_statements()
        browser = self.visitor(operator)
        assert browser.get("/en/labs/costs/").content.decode().count("/labs/costs/statements/") == 4
        found = browser.get("/en/labs/costs/?q=college").content.decode()
        assert found.count("/labs/costs/statements/") == 1
        assert "No statement matches" in browser.get("/en/labs/costs/?q=nothing").content.decode()

    def test_without_any_it_says_when_one_comes(self, engine, clock):
        page = self.visitor(LearnerFactory()).get("/en/labs/costs/").content.decode()
        assert "Statements will be listed here" in page

    def test_the_month_until_now_is_told(self, engine, clock, school):
        card()
        learner = joined(school)
        made(engine, learner=learner)
        clock(3600)
        page = self.visitor(learner).get("/en/labs/costs/").content.decode()
        assert "¥3.25" in page
        assert "0.500 h" in page
