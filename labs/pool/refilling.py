"""The pool is brought to the size it should have: sandboxes are added, and those that are too many or outdated leave.

Learners go first: what the pool holds is given back as soon as somebody cannot start without it.
"""

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from labs import scheduling
from labs.drivers.base import DriverError
from labs.engine import get_driver
from labs.lifecycle import Reason, State
from labs.models import Expectation, Host, ImageSet, Lab, LabSession, Node, QueuePlace, Sandbox
from labs.models.pool import key_of, machines_of
from labs.pool.sizing import LOOK_BACK_S, Limits, wanted
from labs.refusals import HostFull

log = logging.getLogger(__name__)

# A claim younger than this is probably being thawed by the web process that made it.
PATIENCE = timedelta(seconds=3)
# A set whose machines could not be made is tried again only after a while.
REST_AFTER_FAILURE = timedelta(minutes=2)


@dataclass
class Refill:
    """What is to be done; the task enqueues each."""

    provision: list[int] = field(default_factory=list)
    stop: list[int] = field(default_factory=list)
    thaw: list[int] = field(default_factory=list)


def refill() -> Refill:
    """The rows say what the pool should hold, and what that takes is owed. Safe to repeat, at the same time, too."""
    owed = Refill()
    claimed = Sandbox.objects.still_frozen().filter(moved_at__lt=timezone.now() - PATIENCE)
    owed.thaw += claimed.values_list("pk", flat=True)
    sets = _sets()
    try:
        versions = {image_set.pk: versions_of(image_set.images) for image_set in sets}
    except DriverError as error:
        log.warning("the pool cannot be looked after: %s", error)
        return owed
    sizes = _sizes(sets)
    with transaction.atomic():
        host = scheduling.take_turns()
        strain = scheduling.strain(host)
        # What stands frozen holds memory that somebody waits for.
        gives_all = strain == scheduling.Strain.MEMORY and QueuePlace.objects.waiting().exists()
        if host.draining_at is not None or gives_all:
            sizes = dict.fromkeys(sizes, 0)
        held: dict[int, list[Sandbox]] = {image_set.pk: [] for image_set in sets}
        for sandbox in Sandbox.objects.for_the_pool().order_by("state", "pk"):
            known = held.get(sandbox.image_set_id or 0)
            stale = sandbox.state == State.POOLED and sandbox.versions != versions.get(
                sandbox.image_set_id or 0
            )
            if known is None or stale or len(known) >= sizes[sandbox.image_set_id or 0]:
                _drain(sandbox, owed)
            else:
                known.append(sandbox)
        if not strain:
            _add(host, sets, sizes, Counter({pk: len(sandboxes) for pk, sandboxes in held.items()}), owed)
    return owed


def versions_of(images: list[str]) -> str:
    """What machines of these images would be made from now. Raises DriverError."""
    driver = get_driver()
    return " ".join(driver.version_of(image) for image in images)


def _sets() -> list[ImageSet]:
    """Every set, those of newly published labs included."""
    sets = {image_set.key: image_set for image_set in ImageSet.objects.all()}
    for lab in Lab.objects.published():
        if key_of(machines_of(lab)) not in sets:
            image_set = ImageSet.objects.for_lab(lab)
            sets[image_set.key] = image_set
    return list(sets.values())


def _sizes(sets: list[ImageSet]) -> dict[int, int]:
    """How many sandboxes of each set should be in the pool; none where the pool is switched off."""
    if not settings.SANDBOX_POOL_PERCENT:
        return {image_set.pk: 0 for image_set in sets}
    now = timezone.now()
    offered: set[str] = set()
    starts: Counter[str] = Counter()
    since = now - timedelta(seconds=LOOK_BACK_S)
    by_lab = Counter(
        LabSession.objects.filter(opened_at__gt=since).order_by().values_list("lab_id", flat=True)
    )
    for lab in Lab.objects.published():
        key = key_of(machines_of(lab))
        offered.add(key)
        starts[key] += by_lab[lab.pk]
    booked: Counter[int] = Counter()
    for image_set_id, seats in Expectation.objects.filter(until__gt=now).values_list("image_set_id", "seats"):
        booked[image_set_id] += seats
    failed = set(
        Sandbox.objects.filter(
            session=None, reason=Reason.FAILED, stopped_at__gt=now - REST_AFTER_FAILURE
        ).values_list("image_set_id", flat=True)
    )
    return {
        image_set.pk: wanted(
            Limits(image_set.minimum, image_set.reserve, image_set.ceiling),
            starts=starts[image_set.key],
            booked=booked[image_set.pk],
        )
        if image_set.key in offered and image_set.pk not in failed
        else 0
        for image_set in sets
    }


def _add(host: Host, sets: list[ImageSet], sizes: dict[int, int], held: Counter[int], owed: Refill) -> None:
    """One after the other for every set that lacks some, while there is room that no learner waits for."""
    if owed.stop or QueuePlace.objects.waiting().exists():
        return
    short = [image_set for image_set in sets if held[image_set.pk] < sizes[image_set.pk]]
    while short:
        for image_set in list(short):
            sandbox = _new(host, image_set)
            if sandbox is None:
                short.remove(image_set)
                continue
            owed.provision.append(sandbox.pk)
            held[image_set.pk] += 1
            if held[image_set.pk] >= sizes[image_set.pk]:
                short.remove(image_set)


def _new(host: Host, image_set: ImageSet) -> Sandbox | None:
    """The row of one more sandbox for the pool; None when there is no room for it."""
    need = scheduling.needs(image_set)
    try:
        scheduling.ensure_room(0, need.memory_mib, host)
        if _pooled_mib() + need.memory_mib > scheduling.capacity_mib() * settings.SANDBOX_POOL_PERCENT // 100:
            return None
        sandbox = Sandbox.objects.create(
            image_set=image_set,
            uid=scheduling.free_uid(),
            subnet=scheduling.free_subnet(),
            millicpus=need.millicpus,
            memory_mib=need.memory_mib,
        )
    except HostFull:
        return None
    Node.objects.bulk_create(Node.wanted(sandbox, wish) for wish in image_set.nodes)
    sandbox.record(sandbox.state)
    return sandbox


def _pooled_mib() -> int:
    return Sandbox.objects.for_the_pool().aggregate(memory=Sum("memory_mib"))["memory"] or 0


def _drain(sandbox: Sandbox, owed: Refill) -> bool:
    drained = sandbox.leave_pool()
    if drained:
        owed.stop.append(sandbox.pk)
    return drained


def give_way(memory_mib: int) -> list[int]:
    """So much memory is free, as sandboxes of the pool leave it, newest first; call it with the turn taken.

    Returns those to stop; empty, and nothing changed, when all of the pool would not be enough.
    """
    owed = Refill()
    lacking = memory_mib - scheduling.free().memory_mib
    held = list(Sandbox.objects.for_the_pool().order_by("-pk"))
    if sum(sandbox.memory_mib for sandbox in held) < lacking:
        return []
    for sandbox in held:
        if lacking <= 0:
            break
        if _drain(sandbox, owed):
            lacking -= sandbox.memory_mib
    return owed.stop
