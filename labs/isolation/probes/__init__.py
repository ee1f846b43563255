"""Every probe of the self-test, by area."""

from labs.isolation.probe import Area
from labs.isolation.probes import devices, floods, granted, keeper, kernel, limits, mounts, network, terminals

AREAS: tuple[Area, ...] = (
    kernel.AREA,
    mounts.AREA,
    devices.AREA,
    keeper.AREA,
    limits.AREA,
    network.AREA,
    floods.AREA,
    terminals.AREA,
    granted.AREA,
)
