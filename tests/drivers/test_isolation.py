"""What a learner cannot do, tried from inside on the real engine. docs/isolation.md names each option and its test.

Every probe is written so that it would succeed were the door open: most are tried from a place where they must succeed,
too.
"""

import asyncio
import os
import platform
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.drivers.conftest import Place, Screen, docker_place, eventually
from tests.drivers.kernel_calls import EPERM, call

pytestmark = pytest.mark.docker

# Connects to HOST:PORT and says "reached" or the error's name, and after how many milliseconds.
CONNECT = r"""
cat > /tmp/connect.py <<'END'
import errno, socket, sys, time
target = sys.argv[1]
host, port = target.rsplit(":", 1)
family = socket.AF_INET6 if ":" in host else socket.AF_INET
began, found = time.monotonic(), "reached"
with socket.socket(family, socket.SOCK_STREAM) as probe:
    probe.settimeout(8)
    try:
        probe.connect(socket.getaddrinfo(host, int(port), family, socket.SOCK_STREAM)[0][4])
    except OSError as error:
        found = errno.errorcode.get(error.errno or 0, type(error).__name__)
print(target, found, round((time.monotonic() - began) * 1000))
END
"""
QUICK_MS = 5000


@contextmanager
def listening(host: str) -> Iterator[int]:
    """A service on this host; what it is sent is thrown away."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, dualstack_ipv6=family == socket.AF_INET6) as server:
        server.settimeout(0.1)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def host_addresses() -> list[str]:
    """Every address of this host's interfaces, loopback aside."""
    shown = subprocess.run(["ip", "-o", "addr", "show"], capture_output=True, text=True, check=True).stdout
    found = [line.split()[3].split("/")[0] for line in shown.splitlines()]
    return [address for address in found if address not in {"127.0.0.1", "::1"}]


def reach(place: Place, *targets: str, node: str = "node") -> dict[str, str]:
    script = f"{CONNECT}\nfor target in {' '.join(targets)}; do python3 /tmp/connect.py $target & done; wait"
    result = place.as_learner(script, node=node, timeout_s=30)
    found = {}
    for line in result.output.splitlines():
        tried, outcome, took_ms = line.split()
        assert int(took_ms) < QUICK_MS, f"{tried} keeps a learner waiting"
        found[tried] = outcome
    assert len(found) == len(targets)
    return found


# --- the network -----------------------------------------------------------------------------------------------------


def test_nodes_of_a_sandbox_reach_each_other_by_name(place: Place):
    serve = "setsid python3 -c 'import socket; s=socket.create_server((\"\", 8080)); s.accept()' >/dev/null 2>&1 &"
    place.as_learner(serve, node="other")
    eventually(
        lambda: reach(place, "other:8080")["other:8080"] == "reached", "the other node answers by name", 5
    )


def test_ping_works_without_a_capability(place: Place):
    assert place.as_learner("ping -c 1 -W 2 other").exit_code == 0


def test_no_address_of_the_host_is_reached(place: Place):
    addresses = host_addresses()
    assert addresses
    with listening("::") as port:
        for address in addresses:
            if not address.startswith("fe80"):
                socket.create_connection((address, port), 2).close()
        # A link-local address is of the sandbox's own bridge, too, and needs the node's interface to be tried.
        found = reach(
            place, *(f"{a}%eth0:{port}" if a.startswith("fe80") else f"{a}:{port}" for a in addresses)
        )
    assert "reached" not in found.values()


def test_the_gateway_is_nobody(place: Place):
    gateway = (
        f"{place.spec.subnet.rsplit('.', 1)[0]}.{int(place.spec.subnet.split('.')[3].split('/')[0]) + 1}"
    )
    assert gateway not in host_addresses()
    with listening("0.0.0.0") as port:
        assert reach(place, f"{gateway}:{port}")[f"{gateway}:{port}"] in {"EHOSTUNREACH", "TimeoutError"}


def test_metadata_services_and_the_world_are_unreachable_at_once(place: Place):
    found = reach(place, "169.254.169.254:80", "198.51.100.7:443", "2001:db8::7:443", "224.0.0.1:9")
    assert "reached" not in found.values()


def test_an_outside_name_fails_within_seconds(place: Place):
    began = time.monotonic()
    assert place.as_learner("getent hosts www.example.org").exit_code != 0
    assert time.monotonic() - began < 4


def test_another_sandbox_is_unreachable(place: Place, base_image: str, tmp_path: Path):
    serve = "setsid python3 -c 'import socket; s=socket.create_server((\"\", 8080)); s.accept(); s.accept()'"
    with docker_place(tmp_path, "node", "beside") as theirs:
        theirs.as_learner(f"{serve} >/dev/null 2>&1 &")
        address = theirs.spec.nodes[0].address
        eventually(
            lambda: reach(theirs, f"{address}:8080", node="beside")[f"{address}:8080"] == "reached",
            "it answers its own",
        )
        found = reach(place, f"{address}:8080", "beside:8080")
    assert "reached" not in found.values()


def test_a_node_has_one_interface_and_no_other_protocol(place: Place):
    assert sorted(os.path.basename(p) for p in place.as_learner("ls -d /sys/class/net/*").output.split()) == [
        "eth0",
        "lo",
    ]
    families = {
        "vsock": 40,
        "xdp": 44,
        "packet": 17,
        "alg": 38,
        "bluetooth": 31,
        "can": 29,
        "tipc": 30,
        "key": 15,
    }
    script = "import socket\nfor family in (%s):\n    try: socket.socket(family, 3 if family == 17 else 1); print('open', family)\n    except OSError: print('shut')"
    told = place.as_learner(f'python3 -c "{script % ", ".join(map(str, families.values()))}"').output.split(
        "\n"
    )
    assert told[:-1] == ["shut"] * len(families)
    netlink = "import socket\nfor protocol in range(23):\n    try: socket.socket(16, 3, protocol); print(protocol)\n    except OSError: pass"
    assert place.as_learner(f'python3 -c "{netlink}"').output == "0\n"
    assert place.as_learner('python3 -c "import socket; socket.socket(2, 5, 132)"').exit_code != 0, (
        "SCTP is open"
    )


# --- PID 1 -----------------------------------------------------------------------------------------------------------


def test_no_signal_of_the_learner_moves_pid_1(place: Place):
    before = place.pid_1()
    script = "for n in $(seq 1 64); do kill -$n 1 2>/dev/null; done; kill -STOP 1; kill -KILL -1"
    place.as_learner(script)
    place.as_learner("perl -e 'kill $_, 1 for 1..64'")
    status = Path(f"/proc/{before}/status").read_text()
    assert place.pid_1() == before
    assert "State:\tT" not in status

    async def still_serves() -> bytes:
        async with place.attached(3) as terminal:
            screen = Screen(terminal)
            await terminal.write(b"echo al''ive\r")
            return await screen.until(b"alive\r\n")

    assert b"alive" in asyncio.run(still_serves())


def test_a_forged_stop_from_nowhere_is_ignored(place: Place):
    number = {"x86_64": 129, "aarch64": 138}[platform.machine()]
    # siginfo: SIGTERM, errno 0, SI_QUEUE (-1), then pid 0 and uid 0: as if sent from outside.
    forged = f"perl -e '$!=0; my $i = pack(q(iiix4ii), 15, 0, -1, 0, 0) . (chr(0) x 104); syscall({number}, 1, 15, $i); print $!+0'"
    assert place.as_learner(forged).output == "0", "the signal was not even sent"

    async def ask() -> str:
        async with place.attached(3) as terminal:
            return terminal.hello.epoch

    assert asyncio.run(ask()) == asyncio.run(ask())


@pytest.mark.parametrize(
    "attempt",
    [
        "cat /proc/1/environ",
        "cat /proc/1/maps",
        "head -c 1 /proc/1/mem",
        "ls /proc/1/fd",
        "ls /proc/1/map_files",
        "ls /proc/1/cwd/",
        "cat /proc/1/root/etc/hostname",
        "cat /proc/1/exe",
        "cat /proc/1/io",
        "cat /proc/1/stack",
        "cat /proc/1/syscall",
        "cat /proc/1/auxv",
        "echo 0 > /proc/1/oom_score_adj",
        "echo 5 > /proc/1/autogroup",
        "echo 1 > /proc/1/clear_refs",
        "echo 1000000000 > /proc/1/timerslack_ns",
        "echo x > /proc/1/comm",
        "echo 255 > /proc/1/coredump_filter",
    ],
)
def test_pid_1_cannot_be_read_or_written(place: Place, attempt: str):
    assert place.as_learner(attempt).exit_code != 0
    # The same on a process of the learner's own succeeds, so it is PID 1 that refuses.
    own = attempt.replace("/proc/1/", "/proc/self/")
    if not attempt.endswith(("stack", "timerslack_ns", "map_files", "mem", "autogroup", "oom_score_adj")):
        assert place.as_learner(own).exit_code == 0


def test_pid_1_cannot_be_traced(place: Place):
    number = {"x86_64": 101, "aarch64": 117}[platform.machine()]
    attach, seize = 16, 0x4206
    for request in (attach, seize):
        traced = f"perl -e '$!=0; syscall({number}, {request}, $ARGV[0]+0, 0, 0); print $!+0' "
        assert place.as_learner(traced + "1").output == str(EPERM)
        assert place.as_learner(f"sleep 5 & {traced} $!; kill -KILL $!").output == "0"


def test_pid_1_cannot_be_slowed_or_limited(place: Place):
    assert call(place, "prlimit64", 1, 0, 0, 0) == EPERM
    assert call(place, "prlimit64", 0, 0, 0, 0) == 0
    assert call(place, "setpriority", 0, 1, 19) == EPERM
    assert call(place, "setpriority", 2, 0, 19) == EPERM, "by user, PID 1 is meant as well"
    assert call(place, "setpriority", 1, 0, 19) == EPERM, "by group, PID 1 may be meant as well"
    assert call(place, "setpriority", 0, 0, 19) == 0
    assert call(place, "ioprio_set", 1, 1, 3 << 13) == EPERM
    assert call(place, "ioprio_set", 3, 0, 3 << 13) == EPERM
    assert call(place, "ioprio_set", 1, 0, 3 << 13) == 0
    for name in ("sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity"):
        assert call(place, name, 1, 0, 0) == EPERM
        assert call(place, name, 0, 0, 0) != EPERM


def test_pid_1_goes_last_when_memory_runs_out(place: Place):
    score = int(Path(f"/proc/{place.pid_1()}/oom_score_adj").read_text())

    async def shells_score() -> bytes:
        async with place.attached(4) as terminal:
            screen = Screen(terminal)
            await terminal.write(b"cat /proc/self/oom_score_adj; echo do''ne\r")
            return await screen.until(b"done\r\n")

    assert b"800" in asyncio.run(shells_score())
    assert score < 800
