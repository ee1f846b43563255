"""System calls made from inside a node, by number, since no tool there would try most of them."""

import platform

from tests.drivers.conftest import Place

# Numbers of system calls by machine; perl is in every Debian and can make any.
SYSCALLS = {
    "x86_64": {
        "unshare": 272, "setns": 308, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "bpf": 321,
        "perf_event_open": 298, "userfaultfd": 323, "keyctl": 250, "add_key": 248, "request_key": 249,
        "io_uring_setup": 425, "clone3": 435, "fsopen": 430, "open_tree": 428, "move_mount": 429, "kcmp": 312,
        "process_vm_readv": 310, "pidfd_getfd": 438, "open_by_handle_at": 304, "name_to_handle_at": 303,
        "init_module": 175, "finit_module": 313, "kexec_load": 246, "reboot": 169, "swapon": 167, "syslog": 103,
        "acct": 163, "settimeofday": 164, "clock_settime": 227, "sethostname": 170, "iopl": 172, "ioperm": 173,
        "quotactl": 179, "fanotify_init": 300, "lookup_dcookie": 212, "modify_ldt": 154, "memfd_secret": 447,
        "getpid": 39, "prlimit64": 302, "sched_setscheduler": 144, "sched_setaffinity": 203,
        "sched_setparam": 142, "sched_setattr": 314, "setpriority": 141, "ioprio_set": 251,
    },
    "aarch64": {
        "unshare": 97, "setns": 268, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "bpf": 280,
        "perf_event_open": 241, "userfaultfd": 282, "keyctl": 219, "add_key": 217, "request_key": 218,
        "io_uring_setup": 425, "clone3": 435, "fsopen": 430, "open_tree": 428, "move_mount": 429, "kcmp": 272,
        "process_vm_readv": 270, "pidfd_getfd": 438, "open_by_handle_at": 265, "name_to_handle_at": 264,
        "init_module": 105, "finit_module": 273, "kexec_load": 104, "reboot": 142, "swapon": 224, "syslog": 116,
        "acct": 89, "settimeofday": 170, "clock_settime": 112, "sethostname": 161,
        "quotactl": 60, "fanotify_init": 262, "lookup_dcookie": 18, "memfd_secret": 447,
        "getpid": 172, "prlimit64": 261, "sched_setscheduler": 119, "sched_setaffinity": 122,
        "sched_setparam": 118, "sched_setattr": 274, "setpriority": 140, "ioprio_set": 30,
    },
}[platform.machine()]  # fmt: skip
EPERM, ENOSYS = 1, 38
HARMLESS = {"getpid", "prlimit64", "sched_setscheduler", "sched_setaffinity", "sched_setparam", "sched_setattr",
            "setpriority", "ioprio_set"}  # fmt: skip


def call(place: Place, name: str, *arguments: int) -> int:
    """The error number that the call gets inside, 0 for none."""
    return call_each(place, {name: arguments})[name]


def call_each(place: Place, wanted: dict[str, tuple[int, ...]]) -> dict[str, int]:
    """The error number that each call gets inside, 0 for none."""
    lines = (
        f"$! = 0; syscall({', '.join(str(number) for number in (SYSCALLS[name], *arguments))}); print $! + 0, qq(\n);"
        for name, arguments in wanted.items()
    )
    told = place.as_learner(f"perl -e '{' '.join(lines)}'").output.split()
    return dict(zip(wanted, map(int, told), strict=True))
