"""Whose rate card prices what, and what people are told before and while it costs."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from community.api import Role, assign
from labs import bodies, metering, provisioning
from labs.lifecycle import Reason, State
from labs.metering import rates
from labs.models import Node, RateCard
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory
from tests.labs.metering.conftest import BEGAN, card, count, joined, made

pytestmark = pytest.mark.django_db


def test_an_organisations_own_card_goes_before_the_installations(school):
    installation, own = card(), card(school)
    book = rates.Book.of([school.pk])
    assert book.card(school.pk, BEGAN) == own
    assert book.card(None, BEGAN) == installation
    assert book.card(None, BEGAN - timedelta(days=900)) is None


def test_before_its_first_card_the_installations_prices_hold_for_an_organisation(school):
    installation, own = card(), card(school, valid_from=BEGAN)
    book = rates.Book.of([school.pk])
    assert book.card(school.pk, BEGAN - timedelta(seconds=1)) == installation
    assert book.card(school.pk, BEGAN) == own


def test_versions_count_up_in_each_scope(school):
    made_cards = [card(), card(), card(school)]
    assert [one.version for one in made_cards] == [1, 2, 1]


def test_a_card_that_is_written_stays_as_it_is():
    written = card()
    with override("en"), pytest.raises(ValidationError, match="new version"):
        written.clean()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        RateCard.objects.update(cpu_hour=0)


def test_a_new_version_prices_nothing_that_is_already_used():
    with pytest.raises(ValidationError):
        RateCard(valid_from=timezone.now() - timedelta(hours=1)).clean()
    RateCard(valid_from=timezone.now() + timedelta(hours=1)).clean()


def test_what_an_interval_costs_changes_with_the_card_from_its_day_on(engine, clock):
    card()
    sandbox = made(engine)
    clock(3600)
    metering.sample()
    card(cpu_hour=Decimal(12), valid_from=timezone.now())
    clock(3600)
    bill = rates.bill(sandbox)
    assert bill is not None
    assert bill.so_far == Fraction("3.25") + Fraction("6.25")
    assert bill.per_hour == Fraction("6.25")


def test_a_frozen_lab_costs_its_memory_alone(engine, clock):
    card()
    sandbox = made(engine)
    sandbox.move(State.SUSPENDED)
    metering.note_change(sandbox)
    clock(1800)
    bill = rates.bill(sandbox)
    assert bill is not None
    assert (bill.so_far, bill.per_hour) == (Fraction("0.125"), Fraction("0.25"))


def test_processor_time_used_is_charged_where_the_card_says_so(engine, clock):
    card(cpu_hour=0, gib_hour=0, used_cpu_hour=Decimal(36))
    sandbox = made(engine)
    clock(10)
    count(engine, sandbox, 1.5)
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    bill = rates.bill(sandbox)
    assert bill is not None
    assert bill.so_far == Fraction("0.015")


def test_without_a_card_nothing_costs(engine, clock):
    sandbox = made(engine)
    clock(60)
    assert rates.bill(sandbox) is None
    assert rates.lab_price(LearnerFactory(), 500, 128, 60) is None
    assert bodies.session_body(sandbox.session)["price"] is None


def test_the_price_change_of_a_new_size_is_told_before_it_is_made(engine, clock):
    card()
    sandbox = made(engine)
    change = rates.price_change(Node.objects.get(sandbox=sandbox), 1000, 64 + 512)
    assert change is not None
    assert (change.before, change.after) == (Fraction("3.25"), Fraction(6) + 2 * Fraction(640, 1024))


def test_a_labs_page_says_what_it_costs_the_visitor(school, client: Client):
    card()
    card(school, cpu_hour=Decimal(60))
    lab = LabFactory(minutes=30)
    address = f"/en/labs/{lab.slug}/"
    assert "¥3.25 an hour, ¥1.63 for the whole time" in client.get(address).content.decode()
    client.force_login(joined(school), "django.contrib.auth.backends.ModelBackend")
    assert "¥30.25 an hour, ¥15.13 for the whole time" in client.get(address).content.decode()


def test_the_lab_page_and_the_api_say_what_it_has_cost(engine, clock, client: Client):
    card()
    sandbox = made(engine, expires_at=BEGAN + timedelta(hours=9))
    clock(1800)
    body = bodies.session_body(sandbox.session)
    assert body["price"] == {
        "currency": "CNY",
        "so_far": "¥1.63",
        "per_hour": "¥3.25",
        "amount": "1.625000",
        "hourly": "3.250000",
    }
    client.force_login(sandbox.session.learner, "django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/en/labs/sessions/{sandbox.session_id}/").content.decode()
    assert "¥1.63" in page
    told = client.get(f"/api/v1/lab-sessions/{sandbox.session_id}").json()
    assert told["price"]["so_far"] == "¥1.63"


def test_a_session_that_has_never_been_ready_has_no_price(engine, clock):
    card()
    session = SessionFactory(state=State.REQUESTED)
    assert bodies.session_body(session)["price"] is None


def test_operators_see_what_each_live_sandbox_has_cost_in_as_many_queries_for_ten_as_for_one(
    engine, clock, client: Client, django_assert_num_queries
):
    card()
    operator = LearnerFactory()
    assign(operator, Role.OPERATOR)
    client.force_login(operator, "django.contrib.auth.backends.ModelBackend")
    first = made(engine)
    clock(1800)
    second = made(engine)
    clock(1800)
    page = client.get("/en/operations/sandboxes/").content.decode()
    assert [page.index(ref) < page.index(cost) for ref, cost in ((second.ref, "¥1.63"), (first.ref, "¥3.25"))]
    assert "¥3.25" in client.get(f"/en/operations/sandboxes/{first.ref}/").content.decode()
    assert "¥1.63" in client.get("/en/operations/").content.decode()
    for sandboxes in ([first], [first, second]):
        with django_assert_num_queries(3):
            assert len(rates.bills(sandboxes)) == len(sandboxes)
