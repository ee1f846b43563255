"""Numbers of system calls by machine: no tool of a node would try most of them, and perl can make any by number."""

import platform

_NUMBERS = {
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
        "clone": 56, "ptrace": 101, "rt_sigqueueinfo": 129, "inotify_init1": 294, "mq_open": 240,
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
        "clone": 220, "ptrace": 117, "rt_sigqueueinfo": 138, "inotify_init1": 26, "mq_open": 180,
    },
}  # fmt: skip
SYSCALLS: dict[str, int] = _NUMBERS.get(platform.machine(), {})
EPERM, ENOSYS = 1, 38
# Refused to everybody, whatever the arguments.
SHUT = (
    "acct", "add_key", "bpf", "chroot", "clock_settime", "fanotify_init", "finit_module", "fsopen", "init_module",
    "io_uring_setup", "ioperm", "iopl", "kcmp", "kexec_load", "keyctl", "lookup_dcookie", "memfd_secret", "modify_ldt",
    "mount", "move_mount", "name_to_handle_at", "open_by_handle_at", "open_tree", "perf_event_open", "pidfd_getfd",
    "pivot_root", "process_vm_readv", "quotactl", "reboot", "request_key", "sethostname", "setns", "settimeofday",
    "swapon", "syslog", "umount2", "unshare", "userfaultfd",
)  # fmt: skip
