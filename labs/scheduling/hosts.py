"""What the host can give, and whether it takes anybody in."""

import os
from collections.abc import Hashable

from django.conf import settings
from django.utils.translation import gettext as _

from labs.lifecycle import StartKind
from labs.models import Host
from labs.refusals import HostFull
from labs.scheduling.amounts import Amount


def take_turns() -> Host:
    """Nobody else starts a sandbox until the current transaction ends."""
    return Host.locked()


def capacity_millicpus() -> int:
    """What all sandboxes together may have: the setting, else four times the host's processors.

    Learners mostly read and think, so processors are promised several times over; each node's limit stays hard.
    """
    return round((settings.SANDBOX_CAPACITY_CPUS or 4 * (os.cpu_count() or 1)) * 1000)


def capacity_mib() -> int:
    """What all sandboxes together may have: the setting, else two thirds of the host's memory."""
    host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return int(settings.SANDBOX_CAPACITY_MIB or host * 2 // 3)


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
