"""What the host can give, what of it is taken, and what is kept for whom."""

import os
from collections.abc import Hashable
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from labs.lifecycle import StartKind
from labs.models import Host, Sandbox
from labs.refusals import HostFull
from labs.scheduling.amounts import NOTHING, Amount


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


@dataclass
class Room:
    """What is free, and which part of it is ``kept`` for a purpose, so that nobody else may take it."""

    free: Amount
    kept: dict[Hashable, Amount] = field(default_factory=dict)

    def left_for(self, purpose: Hashable) -> Amount:
        """What a sandbox for ``purpose`` may be taken from."""
        others = (amount for kept, amount in self.kept.items() if kept != purpose)
        return self.free - sum(others, NOTHING)

    def kept_for(self, purpose: Hashable) -> Amount:
        """What is free for nobody but ``purpose``."""
        return self.kept.get(purpose, NOTHING).at_most(self.left_for(purpose))

    def take(self, need: Amount, purpose: Hashable) -> None:
        """``need`` is taken, first from what was kept for it."""
        self.free -= need
        if purpose in self.kept:
            self.kept[purpose] = (self.kept[purpose] - need).at_least(NOTHING)


def room() -> Room:
    """What the host can give now; call it with the turn taken."""
    rows = (
        Sandbox.objects.live()
        .leaving_out_drained()
        .order_by()
        .values("session__kind")
        .annotate(
            # What stands frozen in the pool holds memory, but no processor.
            cpus=Sum("millicpus", filter=Q(session__isnull=False), default=0),
            memory=Sum("memory_mib"),
        )
    )
    used = {row["session__kind"]: Amount(row["cpus"], row["memory"]) for row in rows}
    whole = capacity()
    exams = whole.percent(settings.LABS_EXAM_PERCENT) - used.get(StartKind.EXAM, NOTHING)
    return Room(whole - sum(used.values(), NOTHING), {StartKind.EXAM: exams.at_least(NOTHING)})


def free() -> tuple[int, int]:
    """Thousandths of a processor and MiB that nobody holds; below zero where more is held than there should be."""
    left = room().free
    return left.millicpus, left.memory_mib


def ensure_room(millicpus: int, memory_mib: int) -> None:
    """Raises HostFull when the host cannot give that much more; call it with the turn taken."""
    if not Amount(millicpus, memory_mib).fits(room().left_for("")):
        raise HostFull(_("All lab places are taken."))


def most_for(purpose: Hashable) -> Amount:
    """What a sandbox for ``purpose`` could have if nobody else had one."""
    whole = capacity()
    return whole if purpose == StartKind.EXAM else whole - whole.percent(settings.LABS_EXAM_PERCENT)


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
