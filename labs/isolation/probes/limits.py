"""Limits of memory, processes, processors and descriptors, tried out or read where the kernel keeps them."""

from labs.isolation.probe import Area, Probe, guarded

CGROUP = r"""
number() { for path in "$@"; do [ ! -r /sys/fs/cgroup/$path ] || { cat /sys/fs/cgroup/$path; return; }; done; echo none; }
"""

AREA = Area(
    "limits",
    (
        Probe(
            "memory",
            "more memory than the node was given",
            "perl -e 'my $x = \"x\" x (($ARGV[0] + 64) * 1048576); print length $x' $TOTAL_MIB >/dev/null 2>&1\n"
            "code=$?; [ $code = 137 ] || [ $code = 1 ] || broken \"ended with $code\"",
            guards=guarded("memory"),
        ),
        Probe(
            "swap",
            "the host's swap",
            CGROUP + "found=$(number memory.swap.max memory/memory.memsw.limit_in_bytes)\n"
            "case $found in none) held 'this kernel does not limit swap' ;; 0) held ;; esac\n"
            'same "$(number memory/memory.limit_in_bytes)" "$found" "memory with swap"',
            guards=guarded("swap"),
        ),
        Probe(
            "processes",
            "more processes than the node was given",
            "found=$(perl -e 'my $n = 0; my @all; while ($n < $ARGV[0] + 32) { my $p = fork; last unless defined $p; "
            "if (!$p) { sleep 30; exit } push @all, $p; $n++ } print $n; kill 9, @all; 1 while wait > 0' $PIDS)\n"
            '[ "$found" -gt 0 ] || unclear "no process at all"\n[ $found -lt $PIDS ] || broken "$found processes"',
            guards=guarded("pids"),
        ),
        Probe(
            "processors",
            "more processor time than the node was given",
            CGROUP + "case $(number cpu.max cpu/cpu.cfs_quota_us) in -1*|max*) broken 'no quota' ;; none) unclear 'no figure' ;; esac",
            guards=guarded("cpu-quota"),
        ),
        Probe(
            "processor-shares",
            "as large a share as the site itself has",
            CGROUP + "found=$(number cpu.weight cpu/cpu.shares)\n[ $found != none ] || unclear 'no figure'\n"
            "if [ -r /sys/fs/cgroup/cpu.weight ]; then [ $found -lt 100 ] || broken $found; else [ $found -lt 1024 ] || broken $found; fi",
            guards=guarded("cpu-shares"),
        ),
        Probe(
            "memory-score",
            "the site's processes ended before the learner's when memory runs out",
            'found=$(cat /proc/self/oom_score_adj)\n[ "$found" -ge 300 ] || broken "score $found"',
            guards=guarded("oom-score"),
        ),
        Probe(
            "open-files",
            "more open files than a process may have",
            "found=$(perl -e 'my @all; while (@all < 2100) { open(my $f, \"<\", \"/dev/null\") or last; push @all, $f } print scalar @all')\n"
            '[ "$found" -gt 0 ] || unclear "none opens"\n[ $found -lt 2049 ] || broken "$found files"',
            guards=guarded("open-files"),
        ),
        Probe(
            "core-files",
            "a core file on the disk",
            "same 0 \"$(sh -c 'ulimit -Hc')\" 'core size'",
            guards=guarded("core-files"),
        ),
        Probe(
            "terminals",
            "every pseudo-terminal of the host",
            "found=$(python3 -c '\nimport os\nn = 0\ntry:\n    while n < 300: os.openpty(); n += 1\nexcept OSError: pass\nprint(n)')\n"
            '[ "$found" -gt 0 ] || unclear "none opens"\n[ $found -lt 300 ] || broken "$found terminals"',
            guards=guarded("terminals"),
        ),
        Probe(
            "raised-limits",
            "a limit raised again",
            "refused 'limit|not permitted' bash -c 'ulimit -n 4096'",
        ),
        Probe(
            "locked-memory",
            "memory locked beyond the allowance",
            "refused 'not permitted|limit|cannot allocate|cannot modify' bash -c 'ulimit -l unlimited'",
        ),
        Probe(
            "real-time",
            "a real-time priority, before which everybody waits",
            "refused 'not permitted' chrt -f 50 true",
        ),
        Probe(
            "negative-niceness",
            "a priority above everybody's",
            "nice -n -10 nice 2>/dev/null | grep -qx -- -10 && broken 'nice -10'",
        ),
    ),
    together=4,
)  # fmt: skip
