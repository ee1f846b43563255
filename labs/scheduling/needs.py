"""What a lab's sandbox asks of a host."""

from labs.drivers.base import NodeSpec
from labs.models import ImageSet, Lab
from labs.scheduling.amounts import Amount


def needs(lab: Lab | ImageSet) -> Amount:
    """What a sandbox of ``lab`` may use, its memory file systems included."""
    cpus = sum(round(node["cpus"] * 1000) for node in lab.nodes)
    memory = sum(
        node["memory_mib"] + node["home_mib"] + NodeSpec.tmp_mib + NodeSpec.shm_mib for node in lab.nodes
    )
    return Amount(cpus, memory)
