"""Measurements of rows alone, called in a process of their own by ``bench.apart``; not before Django is set up."""

import time
from collections.abc import Callable
from typing import Any
from unittest import mock

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from labs import metering, sessions
from labs.engine import get_driver
from labs.lifecycle import State
from labs.models import LabSession, Meter, Node, QueuePlace, Sandbox, SandboxEvent
from tests.labs.factories import LabFactory, LearnerFactory, SandboxFactory, SessionFactory, node

CPUS = 0.5


def rush(starts: int, seats: int) -> dict[str, Any]:
    """``starts`` people begin a lab on a host with ``seats``; and as often the same rows are inserted by a plain loop."""
    settings.SANDBOX_CAPACITY_CPUS = seats * CPUS
    settings.LABS_EXAM_PERCENT = 0
    lab = LabFactory(nodes=[node(cpus=CPUS)])
    people = [LearnerFactory() for _start in range(2 * starts)]
    with mock.patch("labs.tasks.after_commit"):
        decided = [_ms(lambda who=who: sessions.start_lab(who, lab)) for who in people[:starts]]
    running = Sandbox.objects.live().count()
    line = list(
        QueuePlace.objects.waiting().order_by("position").values_list("session__learner_id", flat=True)
    )
    in_order = line == [who.pk for who in people[seats:starts]]
    plain = [
        _ms(lambda who=who, place=place: _insert(who, lab, place, seated=place < seats))
        for place, who in enumerate(people[starts:])
    ]
    return {
        "decided": decided,
        "plain": plain,
        "running": running,
        "waiting": len(line),
        "in_order": in_order,
    }


@transaction.atomic
def _insert(learner: Any, lab: Any, place: int, *, seated: bool) -> None:
    now = timezone.now()
    session = LabSession.objects.create(learner=learner, lab=lab, opened_at=now, expires_at=now)
    if not seated:
        QueuePlace.objects.create(session=session, millicpus=500, memory_mib=128)
        return
    box = Sandbox.objects.create(
        session=session, uid=800_000 + 2 * place, subnet=f"10.9.{place}.0/28", millicpus=500, memory_mib=128
    )
    Node.objects.bulk_create(Node.wanted(box, wish) for wish in lab.nodes)
    SandboxEvent.objects.create(sandbox=box, state=State.REQUESTED)


def sweep(sandboxes: int, turns: int) -> dict[str, Any]:
    """Every meter of so many running sandboxes is read; and as often the same rows are read and written by a plain loop."""
    lab = LabFactory()
    for place in range(sandboxes):
        session = SessionFactory(lab=lab, state=State.STOPPED)
        box = SandboxFactory(
            session=session, state=State.READY, subnet=f"10.{100 + place // 250}.{place % 250}.0/28"
        )
        get_driver().create(box.spec())
    metering.sample()  # the meters begin
    sampled = [_ms(metering.sample) for _turn in range(turns)]
    plain = [_ms(_read_and_write) for _turn in range(turns)]
    return {"sampled": sampled, "plain": plain, "meters": Meter.objects.running().count()}


def _read_and_write() -> None:
    for pk in list(Meter.objects.running().values_list("pk", flat=True)):
        with transaction.atomic():
            Meter.objects.get(pk=pk).save()


def _ms(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000
