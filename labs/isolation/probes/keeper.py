"""PID 1: signals, tracing, reading, limits, its socket and its directory."""

from labs.isolation.probe import Area, Probe, Who, guarded
from labs.isolation.syscalls import EPERM, SYSCALLS

READ = (
    "environ",
    "maps",
    "mem",
    "fd",
    "map_files",
    "cwd/",
    "root/etc/hostname",
    "exe",
    "io",
    "stack",
    "syscall",
    "auxv",
)
WRITTEN = ("oom_score_adj", "autogroup", "clear_refs", "timerslack_ns", "comm", "coredump_filter", "loginuid")
SCHEDULING = ("sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity")
ALIVE = 'kill -0 1 2>/dev/null || [ -d /proc/1 ] || broken "PID 1 is gone"\ncase $(grep ^State: /proc/1/status) in *stopped*) broken stopped ;; esac'


def _read() -> list[Probe]:
    return [
        Probe(
            f"keeper-{name.strip('/').split('/')[0].replace('_', '-')}",
            f"reading /proc/1/{name}",
            f"refused 'denied|not permitted' {'ls' if name in {'fd', 'map_files', 'cwd/'} else 'head -c 1'} /proc/1/{name}",
        )
        for name in READ
    ]


def _written() -> list[Probe]:
    return [
        Probe(
            f"keeper-set-{name.replace('_', '-')}",
            f"writing /proc/1/{name}",
            f"[ -e /proc/1/{name} ] || held 'this kernel has none'\n"
            f"refused 'denied|not permitted|i/o error|read-only' sh -c 'echo 0 > /proc/1/{name}'",
        )
        for name in WRITTEN
    ]


def _call(key: str, says: str, name: str, *arguments: int, alone: bool = False) -> Probe:
    given = " ".join(map(str, arguments))
    guards = guarded("seccomp") if alone else frozenset[str]()
    return Probe(key, says, f"answers {EPERM} {SYSCALLS.get(name, 0)} {given}", guards=guards)


AREA = Area(
    "keeper",
    (
        Probe("keeper-signals", "every signal to PID 1", f"for n in $(seq 1 64); do kill -$n 1 2>/dev/null; done\n{ALIVE}"),
        Probe("keeper-stop", "stopping PID 1", f"kill -STOP 1 2>/dev/null; kill -TSTP 1 2>/dev/null\n{ALIVE}"),
        Probe(
            "keeper-forged-stop",
            "a stop that claims to come from the engine",
            "perl -e 'my $i = pack(q(iiix4ii), 15, 0, -1, 0, 0) . (chr(0) x 104); syscall($ARGV[0] + 0, 1, 15, $i)' "
            f"{SYSCALLS.get('rt_sigqueueinfo', 0)}\n{ALIVE}",
        ),
        _call("keeper-traced", "tracing PID 1 (attach)", "ptrace", 16, 1, 0, 0),
        _call("keeper-seized", "tracing PID 1 (seize)", "ptrace", 0x4206, 1, 0, 0),
        *_read(),
        *_written(),
        _call("keeper-limits", "a limit set on PID 1", "prlimit64", 1, 0, 0, 0, alone=True),
        _call("keeper-niceness", "a niceness set on PID 1", "setpriority", 0, 1, 19, alone=True),
        _call("keeper-niceness-by-user", "a niceness set on everybody of the user", "setpriority", 2, 0, 19, alone=True),
        _call("keeper-niceness-by-group", "a niceness set on everybody of the group", "setpriority", 1, 0, 19, alone=True),
        _call("keeper-disk-priority", "a disk priority set on PID 1", "ioprio_set", 1, 1, 24576, alone=True),
        *(
            _call(f"keeper-{name.replace('_', '-')}", f"{name} on PID 1", name, 1, 0, 0, alone=True)
            for name in SCHEDULING
        ),
        Probe("keeper-own-user", "a PID 1 that is root", "same \"$OWN_UID\" \"$(grep ^Uid: /proc/1/status | cut -f2)\" uid",
              guards=guarded("own-user")),
        Probe("keeper-socket", "the keeper's own socket", "refused 'denied' nc -U -z -w 2 /run/keeper/keeper.sock\n"
              "refused 'denied' python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"/run/keeper/keeper.sock\")'"),
        Probe("keeper-folder", "a new file beside the keeper's socket", "refused 'denied' touch /run/keeper/probe"),
        Probe("keeper-link", "a link in place of the keeper's socket", "refused 'denied' ln -sf /tmp/x /run/keeper/keeper.sock"),
        Probe("keeper-moved", "the keeper's directory moved away", "refused 'denied|busy|read-only|not permitted' mv /run/keeper /tmp/probe-keeper"),
        Probe("keeper-names", "a change to the users' names", "for path in passwd group; do shut denied /run/keeper/$path; done"),
        Probe("keeper-mode", "the keeper's directory opened to all", "refused 'not permitted' chmod 777 /run/keeper"),
        Probe("keeper-socket-checker", "the keeper's socket, by the checker",
              "refused 'denied' python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"/run/keeper/keeper.sock\")'", who=Who.CHECKER),
        Probe("host-processes", "a process of the host", "[ ! -e /proc/$HOST_PID/ns ] || [ \"$(readlink /proc/$HOST_PID/ns/pid)\" = \"\" ] || "
              "[ \"$(readlink /proc/$HOST_PID/ns/pid)\" = \"$(readlink /proc/self/ns/pid)\" ] || broken \"$HOST_PID is seen\"\n"
              "[ \"$(ls -d /proc/[0-9]* | wc -l)\" -lt 100 ] || broken 'too many processes'"),
        Probe("checker-terminal", "a terminal of the checker's to type into", "[ ! -t 0 ] && [ ! -t 1 ] && [ ! -t 2 ] || broken 'a terminal'\n"
              "refused 'no such device|not a tty' sh -c ': </dev/tty'", who=Who.CHECKER),
    ),
    together=25,
)  # fmt: skip
