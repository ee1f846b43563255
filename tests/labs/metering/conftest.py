"""A clock that is told when time goes by, machines that count what they are told, and prices to see by."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from community.api import Membership, Organisation
from labs import provisioning
from labs.drivers.base import NodeUsage
from labs.lifecycle import Reason, State
from labs.models import RateCard, Sandbox
from tests.labs.factories import LearnerFactory, SessionFactory

BEGAN = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


@pytest.fixture
def clock(time_machine: Any) -> Callable[[float], None]:
    """Stands still until told how many seconds go by."""
    time_machine.move_to(BEGAN, tick=False)

    def forward(seconds: float) -> None:
        time_machine.shift(timedelta(seconds=seconds))

    return forward


def made(_engine: Any, **changes: Any) -> Sandbox:
    """A sandbox that has just become ready, as provisioning leaves it."""
    session = SessionFactory(state=State.REQUESTED, **changes)
    provisioning.provision(session.sandbox.pk)
    sandbox = session.sandbox
    assert sandbox is not None
    return sandbox


def count(engine: Any, sandbox: Sandbox, seconds: float, *, node: str = "box", mib: int = 10) -> None:
    """The node's cgroup has counted so many seconds by now."""
    engine.sandboxes[sandbox.ref].nodes[node].usage = NodeUsage(round(seconds * 10**9), mib * 2**20, 3)


def worked(engine: Any, clock: Callable[[float], None], seconds: float, **changes: Any) -> Sandbox:
    """A sandbox that was ready for so long and has ended."""
    sandbox = made(engine, **changes)
    clock(seconds)
    count(engine, sandbox, seconds / 10)
    provisioning.stop(sandbox.pk, Reason.FINISHED)
    return sandbox


def card(organisation: Organisation | None = None, **changes: Any) -> RateCard:
    """Prices by which half a processor and 128 MiB cost 3.25 an hour."""
    prices = {"cpu_hour": Decimal(6), "gib_hour": Decimal(2), "valid_from": BEGAN - timedelta(days=400)}
    return RateCard.objects.create(organisation=organisation, **{**prices, **changes})


@pytest.fixture
def school(db: None) -> Organisation:
    return Organisation.objects.create(slug="school", name_zh="云学院", name_en="Cloud College")


def joined(organisation: Organisation, *, responsible: bool = False, **changes: Any) -> Any:
    """A person who belongs to the organisation."""
    person = LearnerFactory(**changes)
    role = Membership.Role.RESPONSIBLE if responsible else Membership.Role.MEMBER
    Membership.objects.create(
        organisation=organisation, person=person, role=role, joined_at=BEGAN - timedelta(days=500)
    )
    return person
