"""Sandboxes that wait ready for whoever comes: running, networked, their first prompt printed, then frozen."""

from labs.pool.claiming import claim, expect, thaw, thaw_at_once
from labs.pool.refilling import Refill, give_way, refill, versions_of
from labs.pool.warming import warm_up

__all__ = [
    "Refill",
    "claim",
    "expect",
    "give_way",
    "refill",
    "thaw",
    "thaw_at_once",
    "versions_of",
    "warm_up",
]
