"""How everything of a sandbox is called and labelled, so that it is found again without a record of ours."""

import re
from collections.abc import Mapping
from typing import Any

from labs.drivers.base import INSTALLATION_LABEL, LABEL, NODE_LABEL, REF_LABEL, DriverError

NODES_LABEL = "yunlian.nodes"
TMPFS_LABEL = "yunlian.tmpfs_mib"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def checked(name: str) -> str:
    """``name``, fit for a path, a host name and an engine's object. Raises DriverError."""
    if not NAME.fullmatch(name):
        raise DriverError(f"{name!r} is no name: lower-case letters, digits and inner hyphens, 40 at most.")
    return name


def network_name(installation: str, ref: str) -> str:
    return f"yl-{checked(installation)}-{checked(ref)}"


def container_name(installation: str, ref: str, node: str) -> str:
    return f"{network_name(installation, ref)}-{checked(node)}"


def labels(installation: str, ref: str) -> dict[str, str]:
    return {LABEL: "sandbox", INSTALLATION_LABEL: installation, REF_LABEL: ref}


def node_labels(installation: str, ref: str, node: str, nodes: list[str], tmpfs_mib: int) -> dict[str, str]:
    """Besides the common ones: who the siblings are, and what resize must add to the memory."""
    return {
        **labels(installation, ref),
        NODE_LABEL: node,
        NODES_LABEL: ",".join(nodes),
        TMPFS_LABEL: str(tmpfs_mib),
    }


def filters(installation: str, ref: str = "") -> Mapping[str, Any]:
    """What the engine's lists are narrowed by: never another installation's objects."""
    wanted = [f"{INSTALLATION_LABEL}={installation}"]
    return {"label": [*wanted, f"{REF_LABEL}={ref}"] if ref else wanted}
