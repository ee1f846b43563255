"""Each lab on the real engine: fresh it fails with a reason, solved it passes, and neither tricks nor haste help."""

from collections.abc import Callable

import pytest

from labs.bundles.manifest import OTHERWISE
from labs.grading import BUILT_IN, UNREADABLE, Finding
from tests.images.conftest import LABS, Machines

pytestmark = pytest.mark.docker

# What somebody in a hurry might try instead of the work, one on top of the other: node, script, and the reasons
# it must be refused for.
TRICKS: dict[str, list[tuple[str, str, dict[str, str]]]] = {
    "linux-processes": [
        (
            "box",
            "touch ~/heartbeat.log ~/heartbeat.pid ~/batch.pid ~/guarded.pid ~/limits.txt",
            {"heartbeat-runs": "no-pid-file", "polite-batch": "no-pid-file", "memory-limit": "no-value"},
        ),
        (
            "box",
            "for name in heartbeat batch guarded; do echo 1 > ~/$name.pid; done; echo stopped 1 > ~/heartbeat.log",
            {
                "heartbeat-runs": "not-running",
                "graceful-stop": "not-running",
                "polite-batch": "not-running",
                "guarded-process": "not-running",
            },
        ),
        (
            "box",
            "echo memory_bytes=$(($(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo) * 1024)) > ~/limits.txt;"
            "echo cpu_millis=$(($(grep -c ^processor /proc/cpuinfo) * 1000)) >> ~/limits.txt;"
            "echo pids_max=1 >> ~/limits.txt",
            {"memory-limit": "host-value", "cpu-limit": "host-value", "pids-limit": "wrong-value"},
        ),
    ],
    "load-balancing": [
        (
            "lb",
            r"""cat > ~/haproxy.cfg <<'CONF'
defaults
    mode http
    timeout client 5s
frontend pretender
    bind *:8080
    http-request return status 200 content-type text/plain lf-string "served by web%[rand(2),add(1)]"
frontend sticky
    bind *:8081
    http-request return status 200 content-type text/plain string "served by web1" hdr Set-Cookie BACKEND=w1
frontend statistics
    bind *:8404
    http-request return status 200 content-type text/plain string "# pxname,svname,status,chkdown"
CONF
haproxy -f ~/haproxy.cfg -D -p ~/haproxy.pid""",
            {
                "web1-sees-balancer": "no-log",
                "sticky-cookie": "one-backend",
                "health-checked": "no-stats",
                "failover-seen": "no-stats",
            },
        ),
        (
            "web1",
            "echo 'output = \"/dev/null\"' > ~/.curlrc; echo '10.0.0.1 /check-1 forwarded=10.0.0.1' > ~/access.log",
            {"web1-sees-balancer": "not-forwarded"},
        ),
        ("web2", "touch ~/access.log", {"client-address-logged": "not-forwarded"}),
    ],
    "message-queue": [
        ("producer", "touch ~/amqp.url", {"producer-login": "bad-url"}),
        ("consumer", "echo amqp://guest:guest@broker:5672/%2F > ~/amqp.url", {"consumer-login": "guest"}),
        (
            "consumer",
            "echo amqp://courier:x@broker:5672/%2F > ~/amqp.url; echo 'raise SystemExit(0)' > ~/pika.py",
            {"consumer-login": "no-broker", "orders-acknowledged": "no-broker"},
        ),
    ],
}

# The programs that the instructions have typed into a terminal, whose PATH is a login shell's and not the driver's.
TYPED = {
    "linux-processes": {"box": "bash nano ps free nproc nice setsid nohup tail sha256sum timeout"},
    "load-balancing": {"lb": "haproxy curl nano", "web1": "nginx curl nano", "web2": "nginx curl nano"},
    "message-queue": {
        "broker": "rabbitmq-server rabbitmqctl ss nano pkill",
        "producer": "python3 nano",
        "consumer": "python3 nano pgrep",
    },
}


def passed(found: dict[str, Finding]) -> set[str]:
    return {key for key, finding in found.items() if finding.passed}


def reasons(found: dict[str, Finding]) -> dict[str, str]:
    return {key: finding.reason for key, finding in found.items()}


def assert_refused_with_a_reason(found: dict[str, Finding], when: str) -> None:
    """None passed, and each says why in words of the lab."""
    assert passed(found) == set(), when
    unhelpful = {key: f for key, f in found.items() if f.reason in {OTHERWISE, *BUILT_IN}}
    assert unhelpful == {}, when


@pytest.mark.parametrize("slug", LABS)
def test_a_lab_is_refused_fresh_and_passed_only_step_by_step(slug: str, start: Callable[[str], Machines]):
    machines = start(slug)
    assert_refused_with_a_reason(machines.check(), "fresh")
    for step in machines.lab.manifest.steps:
        assert_refused_with_a_reason(machines.check(step.id), f"before {step.id}")
        machines.solve(step.id)
        found = machines.check(step.id)
        assert passed(found) == set(found), (step.id, {k: (f.reason, f.output) for k, f in found.items()})
    at_the_end = machines.check()
    assert passed(at_the_end) == set(at_the_end), {k: (f.reason, f.output) for k, f in at_the_end.items()}

    for node in machines.lab.manifest.node_names:
        machines.as_learner(node, "chmod 700 ~")
    hidden = machines.check()
    reading = {key for key, script in machines.lab.scripts.items() if "readable " in script}
    assert {key for key, reason in reasons(hidden).items() if reason == UNREADABLE} == reading


@pytest.mark.parametrize("slug", TRICKS)
def test_tricks_are_refused_for_what_they_are(slug: str, start: Callable[[str], Machines]):
    machines = start(slug)
    for node, script, expected in TRICKS[slug]:
        machines.as_learner(node, script)
        found = machines.check()
        assert {key: found[key].reason for key in expected} == expected, script
        for step in machines.lab.manifest.steps:
            assert not {check.id for check in step.checks} <= passed(found), script


@pytest.mark.parametrize("slug", TYPED)
def test_a_terminal_finds_every_program_of_the_instructions(slug: str, start: Callable[[str], Machines]):
    machines = start(slug)
    for node, programs in TYPED[slug].items():
        found = machines.as_learner(
            node, f"bash -lc 'for p in {programs}; do command -v $p || echo no $p; done'"
        )
        assert [line for line in found.splitlines() if line.startswith("no ")] == [], node
