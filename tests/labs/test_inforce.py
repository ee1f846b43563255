"""What a start need not ask for, as there is none of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from community.models import Organisation
from labs import scheduling
from labs.models import Allowance, Booking, Budget, Outcome, QueuePlace
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory

pytestmark = pytest.mark.django_db


def found() -> set[str]:
    scheduling.take_turns()
    force = scheduling.in_force(timezone.now())
    return {name for name in ("allowances", "budgets", "queue", "bookings") if getattr(force, name)}


def booked(ends_in_s: float, **more: object) -> Booking:
    ends_at = timezone.now() + timedelta(seconds=ends_in_s)
    return Booking.objects.create(
        lab=LabFactory(),
        instructor=LearnerFactory(),
        title="Class",
        seats=1,
        millicpus=500,
        memory_mib=64,
        begins_at=ends_at - timedelta(hours=1),
        ends_at=ends_at,
        **more,
    )


class TestInForce:
    def test_where_there_is_nothing_nothing_is_in_force(self):
        assert found() == set()

    def test_an_allowance_that_limits_something_is(self):
        rule = Allowance.objects.create()
        assert found() == set()
        rule.cpu_seconds = 60
        rule.save()
        assert found() == {"allowances"}

    def test_a_budget_that_stops_is_until_it_ends(self):
        budget = Budget.objects.create(
            organisation=Organisation.objects.create(
                slug="school", name_zh="云学院", name_en="Cloud College"
            ),
            amount="1",
            stops=False,
        )
        assert found() == set()
        Budget.objects.filter(pk=budget.pk).update(stops=True)
        assert found() == {"budgets"}
        Budget.objects.filter(pk=budget.pk).update(ended_at=timezone.now())
        assert found() == set()

    def test_somebody_who_waits_is_until_they_leave(self):
        place = QueuePlace.objects.create(session=SessionFactory(), millicpus=500, memory_mib=64)
        assert found() == {"queue"}
        QueuePlace.objects.filter(pk=place.pk).update(ended_at=timezone.now(), outcome=Outcome.LEFT)
        assert found() == set()

    def test_a_class_is_until_it_is_over_or_cancelled(self):
        booked(-1)
        assert found() == set()
        booking = booked(60)
        assert found() == {"bookings"}
        Booking.objects.filter(pk=booking.pk).update(cancelled_at=timezone.now())
        assert found() == set()
