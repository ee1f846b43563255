"""What only the engine can tell: no attack from inside would show it."""

from labs.isolation.probe import Area, Probe, Who, guarded


def _granted(key: str, says: str, word: str, value: str, measure: str) -> Probe:
    return Probe(key, says, who=Who.OUTSIDE, granted={word: value}, guards=guarded(measure))


AREA = Area(
    "granted",
    (
        _granted("log-flood", "a log on the host's disk that grows with the output", "log", "none", "no-log"),
        _granted("published-ports", "a port published on the host", "ports", "none", "no-ports"),
        _granted("privileged", "a privileged container", "privileged", "no", "not-privileged"),
        _granted(
            "name-server", "the host's name servers asked for the node", "names", "nobody", "name-server"
        ),
        _granted(
            "search-domain",
            "the host's own search domains told to the node",
            "search",
            "none",
            "search-domain",
        ),
        _granted("network-internal", "a network with a way out", "network", "internal", "internal-network"),
        _granted(
            "network-gateway",
            "a network with an address of the host",
            "gateway",
            "nobody",
            "no-gateway-address",
        ),
        _granted("host-namespaces", "a namespace of the host", "namespaces", "own", "private-ipc"),
    ),
)
