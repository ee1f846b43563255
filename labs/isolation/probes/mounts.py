"""Files: the root, what is mounted, what the host's kernel shows and takes under /proc and /sys."""

from labs.isolation.probe import Area, Probe, Who, guarded

EXPECTED = (
    "/|/proc|/proc/.*|/dev|/dev/pts|/dev/mqueue|/dev/shm|/sys|/sys/.*|/tmp|/home/learner|/run/keeper|"
    "/run/yunlian|/run/yunlian/.*|/etc/resolv.conf|/etc/hostname|/etc/hosts"
)
ENGINE_SOCKETS = (
    "/var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock /run/podman/podman.sock "
    "/run/crio/crio.sock /var/run/dockershim.sock"
)
MASKED = ("kcore", "keys", "timer_list", "sched_debug", "acpi", "scsi", "latency_stats")
KNOBS = (
    ("core-pattern", "/proc/sys/kernel/core_pattern"),
    ("modprobe", "/proc/sys/kernel/modprobe"),
    ("panic", "/proc/sys/kernel/panic"),
    ("overcommit", "/proc/sys/vm/overcommit_memory"),
    ("forwarding", "/proc/sys/net/ipv4/ip_forward"),
    ("sysrq", "/proc/sysrq-trigger"),
    ("interrupts", "/proc/irq/default_smp_affinity"),
    ("uevent-helper", "/sys/kernel/uevent_helper"),
    ("kernel-debug", "/sys/kernel/mm/transparent_hugepage/enabled"),
)
SIZED = (("tmp", "/tmp"), ("shm", "/dev/shm"), ("home", "/home/learner"))  # noqa: S108


def _masked() -> list[Probe]:
    return [
        Probe(
            f"masked-{name.replace('_', '-')}",
            f"anything in /proc/{name}",
            f'same "" "$(head -c 64 /proc/{name} 2>/dev/null || ls /proc/{name} 2>/dev/null)" /proc/{name}',
        )
        for name in MASKED
    ]


def _knobs() -> list[Probe]:
    return [
        Probe(
            f"knob-{key}",
            f"writing {path}",
            f"[ -e {path} ] || held \"this kernel has none\"\nshut 'read-only|denied' {path}",
        )
        for key, path in KNOBS
    ]


def _sized() -> list[Probe]:
    return [
        probe
        for key, path in SIZED
        for probe in (
            Probe(
                f"{key}-bytes",
                f"more bytes in {path} than it was given",
                f"refused 'no space' fallocate -l $((${key.upper()}_MIB + 8))M {path}/probe-bytes; rm -f {path}/probe-bytes",
                guards=guarded(f"{key}-bytes"),
            ),
            Probe(
                f"{key}-files",
                f"more files in {path} than it was given",
                f"mkdir -p {path}/probe-files\n"
                f'found=$(perl -e \'my $n = 0; while ($n <= $ARGV[0] + 64) {{ open(my $f, ">", "$ARGV[1]/$n") or last; close $f; $n++ }} print $n\' '
                f"$(( ${key.upper()}_MIB * 256 > 1024 ? ${key.upper()}_MIB * 256 : 1024 )) {path}/probe-files)\n"
                f"rm -rf {path}/probe-files\n"
                f'[ "$found" -gt 0 ] || unclear "no file at all"\n'
                f'[ $found -le $(( ${key.upper()}_MIB * 256 > 1024 ? ${key.upper()}_MIB * 256 : 1024 )) ] || broken "$found files"',
                guards=guarded(f"{key}-files"),
            ),
            Probe(
                f"{key}-rights",
                f"set-user-id programs or devices in {path}",
                f"options=$(grep ' {path} ' /proc/mounts | tail -1)\n"
                'case $options in *nosuid*nodev*) ;; *) broken "$options" ;; esac',
                guards=guarded(f"{key}-rights"),
            ),
        )
    ]


AREA = Area(
    "mounts",
    (
        Probe(
            "engine-socket",
            "the engine's socket",
            f"for path in {ENGINE_SOCKETS}; do [ ! -e $path ] || broken $path; done\n"
            'found=$(find / -xdev -type s 2>/dev/null | head -3); [ -z "$found" ] || broken "$found"',
        ),
        Probe(
            "mount-points",
            "a mount that nobody expects",
            f"same '' \"$(cut -d' ' -f5 /proc/self/mountinfo | grep -Evx '{EXPECTED}')\" mounts",
        ),
        Probe(
            "root-read-only",
            "a write to the root file system",
            "refused 'read-only' touch /var/tmp/probe",
            guards=guarded("read-only-root"),
        ),
        Probe(
            "root-remount",
            "the root mounted anew for writing",
            "refused 'denied|not permitted|superuser|must be' mount -o remount,rw /",
        ),
        Probe(
            "hosts-file",
            "a write to /etc/hosts, resolv.conf or hostname, which lie on the host's disk",
            "for path in /etc/hosts /etc/resolv.conf /etc/hostname; do shut 'denied|read-only' $path; done",
        ),
        Probe(
            "host-disk",
            "the host's file system through /proc/1/root",
            "refused 'denied' ls /proc/1/root/",
        ),
        Probe(
            "inherited-descriptors",
            "a descriptor of a directory of the host, left open by the runtime",
            'for fd in /proc/self/fd/*; do [ ! -d $fd ] || [ "$(readlink $fd)" = /proc ] || '
            'case $(readlink $fd) in /proc/*/fd) ;; *) broken "$fd $(readlink $fd)" ;; esac; done',
        ),
        Probe(
            "program-files",
            "a change to the programs of the node's own side",
            "for path in /usr/lib/yunlian/keeper /usr/lib/yunlian/runner /bin/sh; do shut 'denied|read-only|busy' $path; done",
        ),
        Probe(
            "root-by-checker",
            "a write to the root file system by the checker",
            "refused 'read-only' touch /var/tmp/probe",
            who=Who.CHECKER,
            guards=guarded("read-only-root"),
        ),
        *_masked(),
        Probe("firmware", "anything in /sys/firmware", 'same "" "$(ls /sys/firmware 2>/dev/null)" firmware'),
        Probe(
            "kernel-debugging",
            "debugfs, tracefs, securityfs or bpf",
            "for path in debug tracing security; do "
            'same "" "$(ls /sys/kernel/$path 2>/dev/null | head -3)" /sys/kernel/$path; done\n'
            'same "" "$(ls /sys/fs/bpf 2>/dev/null)" bpf',
        ),
        *_knobs(),
        Probe(
            "cgroup-made",
            "a control group of one's own",
            "found=$(find /sys/fs/cgroup -maxdepth 2 -type d 2>/dev/null | while read -r path; do "
            'mkdir "$path/probe" 2>/dev/null && { echo "$path"; rmdir "$path/probe"; }; done)\n'
            'same "" "$found" groups',
        ),
        Probe(
            "cgroup-limits",
            "a limit of one's own, raised",
            "[ -d /sys/fs/cgroup ] || unclear 'no control groups'\n"
            "for path in /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max /sys/fs/cgroup/pids.max "
            "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/*/release_agent; do "
            "[ ! -e $path ] || shut 'read-only|denied' $path; done",
        ),
        Probe(
            "cgroup-path",
            "the place of one's control group on the host",
            "same '' \"$(cut -d: -f3 /proc/self/cgroup | grep -vx / | head -1)\" group",
            guards=guarded("private-cgroups"),
        ),
        *_sized(),
        Probe(
            "environment",
            "a secret of the site in the environment",
            "same '' \"$(env | cut -d= -f1 | grep -Ei 'secret|passw|token|database|redis|broker|key$')\" variables",
        ),
    ),
)
