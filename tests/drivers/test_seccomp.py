"""The kernel calls a learner may make, as the profile says them; test_isolation.py tries them for real."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.drivers.docker.seccomp import (
    ALLOW,
    ENOSYS,
    EPERM,
    NEW_NAMESPACES,
    PROFILE,
    Equal,
    profile_json,
)

words = st.integers(min_value=0, max_value=2**64 - 1)
ALLOWED_SOCKETS = {(1, None), (2, 0), (2, 1), (2, 6), (2, 17), (10, 0), (10, 6), (10, 17), (10, 58), (16, 0)}


@given(pid=words, resource=words)
def test_only_ones_own_limits_are_set(pid: int, resource: int):
    assert (PROFILE.verdict("prlimit64", pid, resource) is None) == (pid == 0)


@given(flags=words)
def test_no_clone_makes_a_namespace(flags: int):
    assert (PROFILE.verdict("clone", flags) is None) == (flags & NEW_NAMESPACES == 0)


@given(which=words, who=words)
def test_only_ones_own_priority_is_set(which: int, who: int):
    assert (PROFILE.verdict("setpriority", which, who) is None) == ((which, who) == (0, 0))
    assert (PROFILE.verdict("ioprio_set", which, who) is None) == ((which, who) == (1, 0))


@given(
    family=st.one_of(st.integers(0, 50), words), kind=words, protocol=st.one_of(st.integers(0, 300), words)
)
def test_sockets_are_of_known_families_and_protocols(family: int, kind: int, protocol: int):
    allowed = (family, protocol) in ALLOWED_SOCKETS or (family, None) in ALLOWED_SOCKETS
    assert (PROFILE.verdict("socket", family, kind, protocol) is None) == allowed


@pytest.mark.parametrize(
    "name", ["sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity"]
)
@given(pid=words)
def test_only_ones_own_scheduling_is_changed(name: str, pid: int):
    assert (PROFILE.verdict(name, pid) is None) == (pid == 0)


@pytest.mark.parametrize(
    "name",
    [
        "io_uring_setup",
        "io_uring_enter",
        "bpf",
        "userfaultfd",
        "keyctl",
        "add_key",
        "perf_event_open",
        "unshare",
        "setns",
        "mount",
        "ptrace_not_a_call",
        "open_by_handle_at",
        "init_module",
        "kexec_load",
        "reboot",
        "process_vm_writev",
        "pidfd_getfd",
        "fsopen",
        "chroot",
    ],
)
def test_doors_into_the_kernel_are_shut(name: str):
    assert PROFILE.verdict(name) == EPERM


def test_clone3_sends_libraries_back_to_clone():
    assert PROFILE.verdict("clone3") == ENOSYS


@pytest.mark.parametrize(
    "name", ["read", "openat2", "execve", "futex", "ptrace", "memfd_create", "rt_sigreturn", "statx", "rseq"]
)
def test_ordinary_programs_run(name: str):
    assert PROFILE.verdict(name) is None


def test_every_rule_gives_its_reason():
    assert all(len(rule.reason) > 10 for rule in PROFILE.rules)


def test_no_call_has_both_a_condition_and_a_rule_without_one():
    """Of two such rules the library that compiles the filter keeps one, and not the one that was meant."""
    plain = [name for rule in PROFILE.rules if not rule.when for name in rule.names]
    conditional = {name for rule in PROFILE.rules if rule.when for name in rule.names}
    assert len(plain) == len(set(plain))
    assert not conditional & set(plain)


def test_conditions_only_ever_allow():
    assert all(rule.errno is None for rule in PROFILE.rules if rule.when)


def test_the_engine_reads_what_the_profile_says():
    told = json.loads(profile_json())
    assert told["defaultAction"] == "SCMP_ACT_ERRNO"
    assert told["archMap"] == [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []},
    ]
    clone = next(rule for rule in told["syscalls"] if rule["names"] == ["clone"])
    assert clone["action"] == ALLOW
    assert clone["args"] == [{"index": 0, "value": NEW_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]
    clone3 = next(rule for rule in told["syscalls"] if rule["names"] == ["clone3"])
    assert (clone3["action"], clone3["errnoRet"]) == ("SCMP_ACT_ERRNO", ENOSYS)


@given(value=words, mask=words.filter(bool), given_=words)
def test_a_masked_condition_looks_at_its_bits_only(value: int, mask: int, given_: int):
    assert Equal(0, value & mask, mask).holds((given_,)) == (given_ & mask == value & mask)
