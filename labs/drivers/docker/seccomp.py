"""What a learner's program may ask of the kernel: an allow list by purpose, each rule with its reason.

Conditions compare for equality with a harmless value, never for inequality with a harmful one: the kernel looks at the
lower half of an argument only, so "anything but X" could be passed by setting a bit of the upper half.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

EPERM, ENOSYS = 1, 38
ALLOW, REFUSE = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
ARCHITECTURES = ("SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64")

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
ANY_PROTOCOL, ICMP, TCP, UDP, ICMP6 = 0, 1, 6, 17, 58
NETLINK_ROUTE = 0
PRIO_PROCESS, IOPRIO_WHO_PROCESS, SELF = 0, 1, 0
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. (NEWTIME exists in clone3 and unshare only.)
NEW_NAMESPACES = (
    0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000
)
PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)


@dataclass(frozen=True)
class Equal:
    """Argument ``index``, of its bits those in ``mask`` (all when 0), is ``value``."""

    index: int
    value: int
    mask: int = 0

    def holds(self, arguments: tuple[int, ...]) -> bool:
        given = arguments[self.index] if self.index < len(arguments) else 0
        return (given & self.mask if self.mask else given) == self.value

    def as_json(self) -> dict[str, Any]:
        if self.mask:
            return {
                "index": self.index,
                "value": self.mask,
                "valueTwo": self.value,
                "op": "SCMP_CMP_MASKED_EQ",
            }
        return {"index": self.index, "value": self.value, "op": "SCMP_CMP_EQ"}


@dataclass(frozen=True)
class Rule:
    """Some system calls, what becomes of them when every condition holds, and why."""

    names: tuple[str, ...]
    reason: str
    when: tuple[Equal, ...] = ()
    errno: int | None = None

    def as_json(self) -> dict[str, Any]:
        rule: dict[str, Any] = {
            "names": list(self.names),
            "action": ALLOW if self.errno is None else REFUSE,
            "args": [condition.as_json() for condition in self.when],
            "comment": self.reason,
        }
        return rule if self.errno is None else {**rule, "errnoRet": self.errno}


@dataclass(frozen=True)
class Profile:
    rules: tuple[Rule, ...] = field(default_factory=tuple)

    def verdict(self, name: str, *arguments: int) -> int | None:
        """None when the call is allowed, else the error it gets."""
        errno = EPERM
        for rule in self.rules:
            if name in rule.names and all(condition.holds(arguments) for condition in rule.when):
                if rule.errno is None:
                    return None
                errno = rule.errno
        return errno

    def as_json(self) -> Mapping[str, Any]:
        return {
            "defaultAction": REFUSE,
            "defaultErrnoRet": EPERM,
            "archMap": [{"architecture": name, "subArchitectures": []} for name in ARCHITECTURES],
            "syscalls": [rule.as_json() for rule in self.rules],
        }


def _allow(reason: str, names: str) -> Rule:
    return Rule(tuple(names.split()), reason)


def _plain() -> Iterable[Rule]:
    yield _allow(
        "files: every path and descriptor a user may use, as the file system's own permissions say",
        """access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
        fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock
        fremovexattr fsetxattr fstat fstatfs fsync ftruncate futimesat getcwd getdents getdents64 getxattr ioctl
        lchown lgetxattr link linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat mkdir mkdirat mknod
        mknodat newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead
        readlink readlinkat readv removexattr rename renameat renameat2 rmdir sendfile setxattr splice stat statfs
        statx symlink symlinkat sync sync_file_range syncfs tee truncate umask unlink unlinkat utime utimensat utimes
        vmsplice write writev""",
    )
    yield _allow(
        "waiting: polls, timers, descriptors for events",
        """alarm epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
        epoll_wait_old eventfd eventfd2 getitimer inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
        io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit nanosleep clock_nanosleep pause poll ppoll
        pselect6 select setitimer signalfd signalfd4 timer_create timer_delete timer_getoverrun timer_gettime
        timer_settime timerfd_create timerfd_gettime timerfd_settime""",
    )
    yield _allow(
        "memory of the caller itself",
        """arch_prctl brk cachestat get_mempolicy madvise map_shadow_stack membarrier memfd_create mincore mlock
        mlock2 mlockall mmap mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect
        remap_file_pages set_mempolicy mbind""",
    )
    yield _allow(
        "processes and threads: start, wait, signal, look at; no capability means no change of identity",
        """capget capset execve execveat exit exit_group fork vfork futex futex_requeue futex_wait futex_waitv
        futex_wake get_robust_list get_thread_area getcpu getegid geteuid getgid getgroups getpgid getpgrp getpid
        getppid getpriority getresgid getresuid getsid gettid getuid ioprio_get kill pidfd_open pidfd_send_signal
        prctl ptrace restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
        rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
        sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_yield
        set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setpgid setregid setresgid
        setresuid setreuid setsid setuid sigaltstack tgkill tkill wait4 waitid""",
    )
    yield _allow(
        "limits and figures of the caller itself",
        """getrandom getrlimit getrusage setrlimit sysinfo times uname clock_getres clock_gettime gettimeofday time""",
    )
    yield _allow(
        "a program that restricts itself further",
        "landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp",
    )
    yield _allow(
        "talk over sockets that exist; which may be made is below",
        """accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg
        sendmsg sendto setsockopt shutdown""",
    )
    yield _allow(
        "pipes and the node's own message queues, semaphores and shared memory (private IPC namespace)",
        """pipe pipe2 mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv
        msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget""",
    )


def _conditional() -> Iterable[Rule]:
    for family in (AF_INET, AF_INET6):
        for protocol in (ANY_PROTOCOL, TCP, UDP, ICMP if family == AF_INET else ICMP6):
            yield Rule(
                ("socket",),
                "internet sockets of the protocols labs teach; rarer ones load kernel modules",
                (Equal(0, family), Equal(2, protocol)),
            )
    yield Rule(("socket", "socketpair"), "sockets inside the node", (Equal(0, AF_UNIX),))
    yield Rule(
        ("socket",),
        "what ip and getaddrinfo ask the kernel; the other netlink families are doors into it",
        (Equal(0, AF_NETLINK), Equal(2, NETLINK_ROUTE)),
    )
    yield Rule(
        ("clone",), "processes and threads in the namespaces there are", (Equal(0, 0, NEW_NAMESPACES),)
    )
    yield Rule(("prlimit64",), "own limits; a limit set on PID 1 would kill it", (Equal(0, SELF),))
    yield Rule(
        ("sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"),
        "own scheduling; PID 1 must not be starved",
        (Equal(0, SELF),),
    )
    yield Rule(
        ("setpriority",),
        "own niceness; by user or group it would reach PID 1",
        (Equal(0, PRIO_PROCESS), Equal(1, SELF)),
    )
    yield Rule(
        ("ioprio_set",),
        "own disk priority; by user or group it would reach PID 1",
        (Equal(0, IOPRIO_WHO_PROCESS), Equal(1, SELF)),
    )
    for persona in PERSONALITIES:
        yield Rule(("personality",), "ask for, or return to, Linux as it is", (Equal(0, persona),))


def _refused() -> Iterable[Rule]:
    yield Rule(
        ("clone3",),
        "its flags lie in memory, where no filter sees them; told so, C libraries use clone",
        errno=ENOSYS,
    )
    yield Rule(
        ("io_uring_setup", "io_uring_enter", "io_uring_register"),
        "its operations pass by this filter",
        errno=EPERM,
    )
    yield Rule(
        ("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
         "fsconfig", "fsmount", "fspick", "mount_setattr"),
        "namespaces and mounts are the driver's",
        errno=EPERM,
    )  # fmt: skip
    yield Rule(
        ("bpf", "perf_event_open", "userfaultfd", "lookup_dcookie", "syslog", "kcmp", "process_vm_readv",
         "process_vm_writev", "process_madvise", "pidfd_getfd"),
        "eyes and hands in other processes and in the kernel",
        errno=EPERM,
    )  # fmt: skip
    yield Rule(
        ("add_key", "keyctl", "request_key"),
        "the kernel's key rings are not per container",
        errno=EPERM,
    )
    yield Rule(
        ("acct", "adjtimex", "clock_adjtime", "clock_settime", "settimeofday", "delete_module", "finit_module",
         "init_module", "kexec_file_load", "kexec_load", "ioperm", "iopl", "name_to_handle_at", "open_by_handle_at",
         "quotactl", "quotactl_fd", "reboot", "sethostname", "setdomainname", "swapoff", "swapon", "vhangup",
         "fanotify_init", "migrate_pages", "move_pages", "memfd_secret", "modify_ldt"),
        "the host's own business",
        errno=EPERM,
    )  # fmt: skip


PROFILE = Profile((*_plain(), *_conditional(), *_refused()))


@lru_cache(maxsize=1)
def profile_json() -> str:
    """The profile as the engine takes it."""
    return json.dumps(PROFILE.as_json(), separators=(",", ":"), sort_keys=True)
