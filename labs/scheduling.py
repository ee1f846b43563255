"""Who may have a sandbox now, and which uid and subnet it gets."""

import ipaddress
import os
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db.models import Model, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from labs.drivers.base import NodeSpec
from labs.models import Host, ImageSet, Lab, LabSession, Sandbox
from labs.refusals import HostFull, QuotaExceeded, TooOften

HOUR = timedelta(hours=1)


def take_turns() -> Host:
    """Nobody else starts a sandbox until the current transaction ends."""
    return Host.locked()


def ensure_quota(learner: Model) -> None:
    """Raises QuotaExceeded when the learner has as many labs running as they may, TooOften after many starts."""
    running = list(LabSession.objects.of(learner).open().select_related("lab"))
    if len(running) >= settings.LABS_SESSIONS_PER_LEARNER:
        raise QuotaExceeded(
            _("“%(lab)s” is still running.") % {"lab": running[0].lab.title},
            _("Finish or leave it first; then this lab can start."),
            session_id=str(running[0].pk),
        )
    started = LabSession.objects.of(learner).filter(opened_at__gt=timezone.now() - HOUR).count()
    if started >= settings.LABS_STARTS_PER_HOUR:
        raise TooOften(
            _("You have started %(count)d labs within an hour.") % {"count": started},
            _("Try again in a few minutes."),
            retry_after_s=300,
        )


def ensure_room(millicpus: int, memory_mib: int) -> None:
    """Raises HostFull when the host cannot give that much more; call it with the turn taken."""
    free_cpus, free_memory = free()
    if millicpus > free_cpus or memory_mib > free_memory:
        raise HostFull(
            _(
                "All lab places are taken: this lab needs %(cpus)s processors and %(memory)d MiB, "
                "%(free_cpus)s and %(free_memory)d MiB are free."
            )
            % {
                "cpus": f"{millicpus / 1000:g}",
                "memory": memory_mib,
                "free_cpus": f"{max(0, free_cpus) / 1000:g}",
                "free_memory": max(0, free_memory),
            },
            _("Try again in a few minutes; places become free when others finish."),
        )


def free() -> tuple[int, int]:
    """Thousandths of a processor and MiB that nobody holds; below zero where more is held than there should be."""
    used = (
        Sandbox.objects.live()
        .leaving_out_drained()
        .aggregate(
            # What stands frozen in the pool holds memory, but no processor.
            cpus=Sum("millicpus", filter=Q(session__isnull=False)),
            memory=Sum("memory_mib"),
        )
    )
    return capacity_millicpus() - (used["cpus"] or 0), capacity_mib() - (used["memory"] or 0)


def capacity_millicpus() -> int:
    """What all sandboxes together may have: the setting, else four times the host's processors.

    Learners mostly read and think, so processors are promised several times over; each node's limit stays hard.
    """
    return round((settings.SANDBOX_CAPACITY_CPUS or 4 * (os.cpu_count() or 1)) * 1000)


def capacity_mib() -> int:
    """What all sandboxes together may have: the setting, else two thirds of the host's memory."""
    host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return int(settings.SANDBOX_CAPACITY_MIB or host * 2 // 3)


def needs(lab: Lab | ImageSet) -> tuple[int, int]:
    """Thousandths of a processor and MiB that a sandbox of ``lab`` may use, its memory file systems included."""
    cpus = sum(round(node["cpus"] * 1000) for node in lab.nodes)
    memory = sum(
        node["memory_mib"] + node["home_mib"] + NodeSpec.tmp_mib + NodeSpec.shm_mib for node in lab.nodes
    )
    return cpus, memory


def free_uid() -> int:
    """The learner's uid of a pair that no live sandbox has. Raises HostFull."""
    first, last = (int(end) for end in settings.SANDBOX_UIDS.split("-"))
    first += first % 2
    taken = Sandbox.objects.live().values_list("uid", flat=True)
    pairs = (last - first + 1) // 2
    return first + 2 * _free_place(pairs, {(uid - first) // 2 for uid in taken})


def free_subnet(refused: Iterable[str] = ()) -> str:
    """A subnet that no live sandbox has and that is not among ``refused``. Raises HostFull."""
    whole = ipaddress.ip_network(settings.SANDBOX_SUBNETS)
    size = 2 ** (whole.max_prefixlen - settings.SANDBOX_SUBNET_PREFIX)
    start = int(whole.network_address)
    taken = {*Sandbox.objects.live().values_list("subnet", flat=True), *refused}
    places = {(int(ipaddress.ip_network(subnet).network_address) - start) // size for subnet in taken}
    place = _free_place(whole.num_addresses // size, places)
    return f"{ipaddress.ip_address(start + place * size)}/{settings.SANDBOX_SUBNET_PREFIX}"


def _free_place(places: int, taken: set[int]) -> int:
    """A place in ``range(places)`` not in ``taken``, by chance, so that installations on one host seldom collide."""
    taken = {place for place in taken if 0 <= place < places}
    free = places - len(taken)
    if free <= 0:
        raise HostFull(
            _("All lab places are taken."),
            _("Try again in a few minutes; places become free when others finish."),
        )
    for _attempt in range(8):
        place = secrets.randbelow(places)
        if place not in taken:
            return place
    return secrets.choice([place for place in range(places) if place not in taken])
