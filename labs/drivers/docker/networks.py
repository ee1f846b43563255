"""One internal network per sandbox, from a subnet chosen by the caller, its gateway without an address on the host."""

from typing import Any

from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool

from labs.drivers.base import DriverBusy, SandboxSpec, SubnetTaken
from labs.drivers.docker.engine import api, engine_errors, is_conflict, is_missing
from labs.drivers.docker.names import filters, labels, network_name

OPTIONS = {"com.docker.network.bridge.inhibit_ipv4": "true"}
OVERLAPS = ("overlaps with other one", "conflicts with network", "overlapping ipv4")


def ensure_network(installation: str, spec: SandboxSpec) -> str:
    """The sandbox's network is there; returns its name. Raises SubnetTaken when another one overlaps it."""
    name = network_name(installation, spec.ref)
    known = networks_of(installation, spec.ref)
    if any(subnet_of(network) == spec.subnet for network in known):
        return name
    remove_networks(installation, spec.ref)
    with engine_errors():
        try:
            api().create_network(name, **network_wish(installation, spec))
        except APIError as error:
            if any(words in str(error.explanation).lower() for words in OVERLAPS):
                raise SubnetTaken(f"{spec.subnet} overlaps another network of this engine.") from error
            if not is_conflict(error):
                raise
    return name


def network_wish(installation: str, spec: SandboxSpec) -> dict[str, Any]:
    """What the engine is asked for: no way out, and nobody at the gateway's address."""
    return {
        "driver": "bridge",
        "options": OPTIONS,
        "ipam": IPAMConfig(pool_configs=[IPAMPool(subnet=spec.subnet)]),
        "check_duplicate": True,
        "internal": True,
        "labels": labels(installation, spec.ref),
    }


def remove_networks(installation: str, ref: str) -> None:
    """The sandbox has no network. Raises DriverBusy while a node still hangs on to it."""
    for network in networks_of(installation, ref):
        with engine_errors():
            try:
                api().remove_network(network["Id"])
            except APIError as error:
                if is_missing(error):
                    continue
                if "active endpoints" in str(error.explanation).lower():
                    raise DriverBusy(str(error.explanation)) from error
                raise


def networks_of(installation: str, ref: str = "") -> list[dict[str, Any]]:
    with engine_errors():
        return list(api().networks(filters=filters(installation, ref)))


def subnet_of(network: dict[str, Any]) -> str:
    pools = (network.get("IPAM") or {}).get("Config") or [{}]
    return str(pools[0].get("Subnet", ""))
