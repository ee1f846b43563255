"""Which uids and which subnet a sandbox gets; call it with the turn taken."""

import ipaddress
import secrets
from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import gettext as _

from labs.models import Sandbox
from labs.refusals import HostFull


def free_uid() -> int:
    """The learner's uid of a pair that no live sandbox has. Raises HostFull."""
    first, last = (int(end) for end in settings.SANDBOX_UIDS.split("-"))
    first += first % 2
    taken = Sandbox.objects.live().values_list("uid", flat=True)
    pairs = (last - first + 1) // 2
    return first + 2 * free_place(pairs, {(uid - first) // 2 for uid in taken})


def free_subnet(refused: Iterable[str] = ()) -> str:
    """A subnet that no live sandbox has and that is not among ``refused``. Raises HostFull."""
    whole = ipaddress.ip_network(settings.SANDBOX_SUBNETS)
    size = 2 ** (whole.max_prefixlen - settings.SANDBOX_SUBNET_PREFIX)
    start = int(whole.network_address)
    taken = {*Sandbox.objects.live().values_list("subnet", flat=True), *refused}
    places = {(int(ipaddress.ip_network(subnet).network_address) - start) // size for subnet in taken}
    place = free_place(whole.num_addresses // size, places)
    return f"{ipaddress.ip_address(start + place * size)}/{settings.SANDBOX_SUBNET_PREFIX}"


def free_place(places: int, taken: set[int]) -> int:
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
