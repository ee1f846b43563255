"""What the host can give, and whether it takes anybody in."""

import os
from collections.abc import Hashable
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from labs.lifecycle import StartKind
from labs.models import Host, Sandbox
from labs.refusals import HostFull
from labs.scheduling.amounts import Amount

# The sweep measures every 10 s; what is older than this is not true any more.
FRESH = timedelta(seconds=60)


def take_turns() -> Host:
    """Nobody else starts a sandbox until the current transaction ends."""
    return Host.locked()


def capacity_millicpus() -> int:
    """What all sandboxes together may have: the setting, else four times the host's processors.

    Learners mostly read and think, so processors are promised several times over; each node's limit stays hard.
    """
    return round((settings.SANDBOX_CAPACITY_CPUS or 4 * (os.cpu_count() or 1)) * 1000)


def capacity_mib() -> int:
    """What all sandboxes together may be promised: the setting, else two thirds of the host's memory; so many times over."""
    host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return int((settings.SANDBOX_CAPACITY_MIB or host * 2 // 3) * settings.SANDBOX_MEMORY_OVERCOMMIT)


class Strain(models.TextChoices):
    """What the host has too little of for anybody to begin, as measured."""

    NONE = "", ""
    MEMORY = "memory", _lazy("The host is short of memory.")
    DISK = "disk", _lazy("The disk of the sandboxes is nearly full.")


def strain(host: Host, need_mib: int = 0) -> Strain:
    """Whether a sandbox of ``need_mib`` must wait for what was measured. What is not measured any more holds up nobody."""
    if host.measured_at is None or timezone.now() - host.measured_at > FRESH:
        return Strain.NONE
    percent, free_mib = host.disk_percent, host.disk_free_mib
    if percent is not None and percent > settings.SANDBOX_DISK_PERCENT:
        return Strain.DISK
    if free_mib is not None and free_mib < settings.SANDBOX_DISK_FREE_MIB:
        return Strain.DISK
    unused = unused_mib(host)
    return Strain.MEMORY if unused is not None and unused < need_mib else Strain.NONE


def unused_mib(host: Host) -> int | None:
    """The memory measured to be available beyond the reserve, less all that was promised since; None if not measured."""
    measured = host.measured_at is not None and timezone.now() - host.measured_at <= FRESH
    if not measured or host.available_mib is None or not settings.SANDBOX_RESERVE_MIB:
        return None
    since = Sandbox.objects.live().filter(requested_at__gt=host.measured_at)
    promised = since.aggregate(memory=models.Sum("memory_mib"))["memory"] or 0
    return int(host.available_mib - settings.SANDBOX_RESERVE_MIB - promised)


def capacity() -> Amount:
    """What all sandboxes together may have."""
    return Amount(capacity_millicpus(), capacity_mib())


def most_for(purpose: Hashable) -> Amount:
    """What a sandbox for ``purpose`` could have if nobody else had one."""
    return capacity() if purpose == StartKind.EXAM else capacity() - exam_seats()


def exam_seats() -> Amount:
    """What only exams may take."""
    return capacity().percent(settings.LABS_EXAM_PERCENT)


def ensure_possible(need: Amount, purpose: Hashable) -> None:
    """Raises HostFull when ``need`` is more than there will ever be, so that waiting for it would be in vain."""
    most = most_for(purpose)
    if not need.fits(most):
        raise HostFull(
            _(
                "This lab needs %(cpus)s processors and %(memory)d MiB; "
                "all labs together have %(most_cpus)s and %(most_memory)d MiB here."
            )
            % {
                "cpus": f"{need.millicpus / 1000:g}",
                "memory": need.memory_mib,
                "most_cpus": f"{most.millicpus / 1000:g}",
                "most_memory": most.memory_mib,
            },
            _("Waiting does not help; tell the operator that this lab needs a larger host."),
        )
