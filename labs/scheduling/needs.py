"""What a lab's sandbox asks of a host."""

from typing import Any

from labs.drivers.base import NodeSpec
from labs.models import ImageSet, Lab
from labs.scheduling.amounts import Amount


def needs(lab: Lab | ImageSet) -> Amount:
    """What a sandbox of ``lab`` may use, its memory file systems included."""
    cpus = sum(round(node["cpus"] * 1000) for node in lab.nodes)
    return Amount(cpus, sum(_memory_mib(node) for node in lab.nodes))


def _memory_mib(node: dict[str, Any]) -> int:
    return NodeSpec(
        name=node["name"],
        image=node["image"],
        address="",
        memory_mib=node["memory_mib"],
        home_mib=node["home_mib"],
        disk_mib=node.get("disk_mib", 0),
    ).limit_mib
