"""What the engine says it gave a node, in plain words: the self-test compares them with what a learner's must be. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from labs.drivers.docker.containers import NO_RESOLVER
from labs.drivers.docker.networks import OPTIONS

INHIBITED = next(iter(OPTIONS))


def granted(container: Mapping[str, Any], networks: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The engine's words on ``container`` and on the ``networks`` of its sandbox."""
    host = container["HostConfig"]
    published = host.get("PublishAllPorts") or any((host.get("PortBindings") or {}).values())
    networks = list(networks)
    shared = [
        key
        for key in ("IpcMode", "PidMode", "UTSMode", "NetworkMode", "UsernsMode")
        if host.get(key) == "host"
    ]
    return {
        "log": str(host["LogConfig"]["Type"]),
        "ports": "published" if published else "none",
        "privileged": "yes" if host.get("Privileged") else "no",
        "names": "nobody"
        if host.get("Dns") == [NO_RESOLVER]
        else ",".join(host.get("Dns") or ["the host's"]),
        "search": "none"
        if host.get("DnsSearch") == ["."]
        else ",".join(host.get("DnsSearch") or ["the host's"]),
        "network": "internal" if networks and all(n.get("Internal") for n in networks) else "open",
        "gateway": "nobody"
        if networks and all((n.get("Options") or {}).get(INHIBITED) == "true" for n in networks)
        else "the host",
        "namespaces": ",".join(shared) or "own",
        "runtime": str(host.get("Runtime") or ""),
    }
