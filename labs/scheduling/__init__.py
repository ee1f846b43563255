"""Who may have a sandbox now, who waits for one, and which uid and subnet it gets."""

from labs.scheduling.addresses import free_subnet, free_uid
from labs.scheduling.allowances import ensure_quota, recent_sessions
from labs.scheduling.hosts import (
    Strain,
    capacity_mib,
    capacity_millicpus,
    ensure_possible,
    strain,
    take_turns,
)
from labs.scheduling.inforce import InForce, in_force
from labs.scheduling.needs import needs
from labs.scheduling.rooms import ensure_room, free

__all__ = [
    "InForce",
    "Strain",
    "capacity_mib",
    "capacity_millicpus",
    "ensure_possible",
    "ensure_quota",
    "ensure_room",
    "free",
    "free_subnet",
    "free_uid",
    "in_force",
    "needs",
    "recent_sessions",
    "strain",
    "take_turns",
]
