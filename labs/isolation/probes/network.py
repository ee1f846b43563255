"""The network: the host, its services, metadata services, names, the world and the neighbour."""

from labs.isolation.probe import Area, Probe, guarded

FAMILIES = {
    "vsock": 40, "xdp": 44, "packet": 17, "kernel-crypto": 38, "bluetooth": 31, "can": 29, "tipc": 30, "key": 15,
    "rds": 21, "infiniband": 27, "nfc": 39, "phonet": 35, "x25": 9, "ax25": 3, "smc": 43, "mctp": 45,
}  # fmt: skip
# Which of these an ordinary user may open where no filter forbids it depends on the kernel; this one always.
ALWAYS_OPEN_WITHOUT = "kernel-crypto"


def _families() -> list[Probe]:
    return [
        Probe(
            f"family-{name}",
            f"a socket of the family {name}",
            f"refused 'not permitted|not supported' python3 -c 'import socket; socket.socket({number}, {3 if name == 'packet' else 1})'",
        )
        for name, number in FAMILIES.items()
    ]


AREA = Area(
    "network",
    (
        Probe("interfaces", "an interface besides its own", "same 'eth0 lo ' \"$(ls /sys/class/net | sort | tr '\\n' ' ')\" interfaces"),
        *_families(),
        Probe(
            "netlink",
            "a netlink family besides the one for routes",
            "same 0 \"$(python3 -c '\nimport socket\nfor n in range(23):\n    try: socket.socket(16, 3, n); print(n)\n    except OSError: pass')\" netlink",
            guards=guarded("seccomp"),
        ),
        Probe("sctp", "a rare transport (SCTP, DCCP), whose module would be loaded",
              "refused 'not permitted|not supported' python3 -c 'import socket; socket.socket(2, 5, 132)'\n"
              "refused 'not permitted|not supported' python3 -c 'import socket; socket.socket(2, 6, 33)'"),
        Probe("raw-sockets", "raw packets", "refused 'not permitted' python3 -c 'import socket; socket.socket(2, 3, 1)'\n"
              "refused 'not permitted' python3 -c 'import socket; socket.socket(2, 3, 255)'"),
        Probe("host-services", "a service of the host, by every address it has", "unreachable $HOST_SERVICES"),
        Probe("gateway", "the gateway's address", "unreachable $GATEWAY:$HOST_PORT $GATEWAY:22 $GATEWAY:2375 $GATEWAY:53",
              guards=guarded("no-gateway-address")),
        Probe("engine-by-network", "the engine's port", "unreachable $GATEWAY:2375 $GATEWAY:2376 172.17.0.1:2375 172.17.0.1:2376"),
        Probe("metadata", "the metadata services of clouds",
              "unreachable 169.254.169.254:80 169.254.170.2:80 100.100.100.200:80 168.63.129.16:80 [fd00:ec2::254]:80"
              .replace("[", "").replace("]", "")),
        Probe("world", "an address of the world", "unreachable 198.51.100.7:443 2001:db8::7:443 224.0.0.1:9"),
        Probe("private-networks", "private networks beyond the node's own", "unreachable 10.0.0.1:80 192.168.0.1:80 172.16.0.1:80"),
        Probe("names", "a name of the world", "told=$(getent hosts www.example.org); [ $? = 2 ] || broken \"$told\""),
        Probe("name-server-of-the-host", "the host's name server",
              "grep -q '^nameserver 127.0.0.11$\\|^nameserver 240.0.0.53$' /etc/resolv.conf || broken \"$(grep nameserver /etc/resolv.conf)\"\n"
              "same 1 \"$(grep -c ^nameserver /etc/resolv.conf)\" 'name servers'"),
        Probe("slow-names", "a long wait for names", "grep -q 'timeout:1' /etc/resolv.conf && grep -q 'attempts:1' /etc/resolv.conf || broken \"$(grep options /etc/resolv.conf)\"",
              guards=guarded("resolver-options")),
        Probe("neighbour", "a service of another sandbox", "unreachable $NEIGHBOUR:8080 neighbour:8080"),
        Probe("neighbour-ping", "an echo from another sandbox", "ping -c 1 -W 2 $NEIGHBOUR >/dev/null 2>&1 && broken 'it answers'"),
        Probe("own-services", "being kept from one's own services (or the probes would hold by accident)",
              "python3 -c \"$REACH\" $SIBLING:8080 | grep -q ' reached$' || unclear 'the sibling does not answer'"),
        Probe("new-address", "an address of one's own choosing", "refused 'not permitted' ip addr add 10.0.0.9/8 dev eth0"),
        Probe("new-route", "a route of one's own choosing", "refused 'not permitted' ip route add 10.0.0.0/8 dev eth0"),
        Probe("interface-down", "the interface switched off", "refused 'not permitted' ip link set eth0 down"),
        Probe("forged-neighbour", "a forged hardware address of a sibling", "refused 'not permitted' ip neigh replace $SIBLING lladdr 02:00:00:00:00:01 dev eth0"),
        Probe("forged-sender", "a sender's address that is not one's own", "refused 'cannot assign|not permitted' python3 -c 'import socket, sys; socket.socket().bind((\"10.1.2.3\", 0))'"),
        Probe("marked-packets", "packets with a mark, which steer the host's firewall", "refused 'not permitted' python3 -c 'import socket; socket.socket().setsockopt(1, 36, 7)'"),
        Probe("low-ports-of-the-host", "the host's own network namespace", "[ \"$(readlink /proc/self/ns/net)\" != \"$HOST_NS_NET\" ] || broken host"),
        Probe("default-way-out", "a way out that leads anywhere",
              "for way in $(ip -4 route show default | awk '{print $3}'); do ping -c 1 -W 1 $way >/dev/null 2>&1 && broken \"$way answers\"; done; true",
              guards=guarded("no-gateway-address")),
        Probe("proxy", "a proxy that its lab did not ask for",
              "refused 'refused' python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 3128), 2)'\n"
              "same '' \"$(env | grep -i '_proxy=')\" proxies"),
        Probe("abstract-sockets", "abstract sockets of the host", "same '' \"$(awk '$8 ~ /^@/ {print $8}' /proc/net/unix | head -3)\" sockets"),
    ),
    together=6,
)  # fmt: skip
