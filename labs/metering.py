"""Seconds in which a sandbox held what it was allocated: the base of every later price."""

import math

from django.db import transaction
from django.utils import timezone

from labs.lifecycle import State
from labs.models import Sandbox, UsageRecord


def open_record(sandbox: Sandbox) -> UsageRecord:
    """The meter of ``sandbox`` runs; asking twice gives the same record."""
    record, _created = UsageRecord.objects.running().get_or_create(
        ref=sandbox.ref,
        closed_at=None,
        defaults={
            "sandbox": sandbox,
            "learner_id": sandbox.session.learner_id if sandbox.session else None,
            "millicpus": 0 if sandbox.state == State.SUSPENDED else sandbox.millicpus,
            "memory_mib": sandbox.memory_mib,
            "opened_at": timezone.now(),
        },
    )
    return record


@transaction.atomic
def allocation_changed(sandbox: Sandbox) -> None:
    """From now on the meter counts what the sandbox has now: no processors while it is suspended."""
    close_record(sandbox)
    open_record(sandbox)


def close_record(sandbox: Sandbox) -> None:
    """The meter of ``sandbox`` stands; a sandbox that was never ready used nothing. Repeating changes nothing."""
    record = UsageRecord.objects.running().filter(ref=sandbox.ref).first()
    if record is None:
        return
    now = timezone.now()
    seconds = max(0, math.ceil((now - record.opened_at).total_seconds()))
    UsageRecord.objects.running().filter(pk=record.pk).update(
        closed_at=now,
        seconds=seconds,
        millicpu_seconds=seconds * record.millicpus,
        mib_seconds=seconds * record.memory_mib,
    )
