"""System calls, namespaces, key rings, capabilities: what the kernel itself is asked for."""

from labs.isolation.probe import Area, Probe, guarded
from labs.isolation.syscalls import ENOSYS, EPERM, SHUT, SYSCALLS

# With these the filter is what refuses; the others want a capability as well.
BY_THE_FILTER_ALONE = {"io_uring_setup", "userfaultfd", "add_key", "keyctl", "modify_ldt", "unshare", "kcmp"}
NEW_USER = 0x1000_0000 | 17
CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
NAMESPACES = ("ipc", "mnt", "net", "pid", "uts", "cgroup")
OWN_MEASURE = {"ipc": guarded("private-ipc"), "cgroup": guarded("private-cgroups")}


def _calls() -> list[Probe]:
    return [
        Probe(
            f"call-{name.replace('_', '-')}",
            f"the call {name}",
            f"answers {EPERM} {SYSCALLS[name]} 0 0 0 0 0",
            guards=guarded("seccomp") if name in BY_THE_FILTER_ALONE else frozenset(),
        )
        for name in SHUT
        if name in SYSCALLS
    ]


def _capabilities() -> list[Probe]:
    return [
        Probe(
            f"capabilities-{name.lower()}",
            f"a capability in the set {name}",
            f"same 0000000000000000 \"$(grep '^{name}:' /proc/self/status | cut -f2)\" {name}",
            guards=guarded("capabilities") if name == "CapBnd" else frozenset(),
        )
        for name in CAPABILITY_SETS
    ]


def _namespaces() -> list[Probe]:
    return [
        Probe(
            f"namespace-{name}",
            f"a share in the host's {name} namespace",
            f'here=$(readlink /proc/self/ns/{name}); [ -n "$here" ] || unclear "no namespace"\n'
            f'[ "$here" != "$HOST_NS_{name.upper()}" ] || broken "$here is the host\'s"',
            guards=OWN_MEASURE.get(name, frozenset()),
        )
        for name in NAMESPACES
    ]


AREA = Area(
    "kernel",
    (
        *_calls(),
        Probe(
            "clone3",
            "a new process by clone3, whose flags no filter sees",
            f"answers {ENOSYS} {SYSCALLS.get('clone3', 0)} 0 0",
            guards=guarded("seccomp"),
        ),
        Probe(
            "clone-user-namespace",
            "a user namespace by clone",
            f"answers {EPERM} {SYSCALLS.get('clone', 0)} {NEW_USER} 0 0 0 0",
            guards=guarded("seccomp"),
        ),
        Probe(
            "unshare-user-namespace",
            "a user namespace by unshare",
            "refused 'not permitted' unshare -U true",
        ),
        Probe(
            "enter-pid-1",
            "the namespaces of PID 1 by nsenter",
            "refused 'denied|not permitted' nsenter -t 1 -m true",
        ),
        *_capabilities(),
        *_namespaces(),
        Probe(
            "no-new-privileges",
            "rights from a program with a set-user-id bit",
            "same 1 \"$(grep '^NoNewPrivs:' /proc/self/status | cut -f2)\" NoNewPrivs",
            guards=guarded("no-new-privileges"),
        ),
        Probe(
            "filter-on",
            "a life without a system call filter",
            "same 2 \"$(grep '^Seccomp:' /proc/self/status | cut -f2)\" Seccomp",
            guards=guarded("seccomp"),
        ),
        Probe(
            "setuid-files",
            "a file with a set-user-id or set-group-id bit",
            'same "" "$(find / -xdev -perm /6000 -type f 2>/dev/null)" files',
        ),
        Probe(
            "become-root",
            "becoming root by asking",
            "refused 'not permitted' python3 -c 'import os; os.setuid(0)'\n"
            "refused 'not permitted' python3 -c 'import os; os.setgroups([0])'",
        ),
        Probe(
            "own-groups",
            "a group besides the learner's own",
            'same "$OWN_UID" "$(id -G)" groups',
        ),
    ),
    together=20,
)
