"""Floods: each goes on in the sandbox while the neighbour does what the flood would deny it."""

from labs.isolation.probe import Area, Probe, guarded
from labs.isolation.syscalls import SYSCALLS

BACKGROUND = ">/dev/null 2>&1 </dev/null &"
END = "pkill -KILL -f probe-flood; rm -rf /tmp/probe-* /dev/shm/probe-* /home/learner/probe-*; true"
MARK = "$0 = q(probe-flood);"

_INOTIFY = SYSCALLS.get("inotify_init1", 0)
_QUEUE = SYSCALLS.get("mq_open", 0)
NOTHING_LEFT = 'i=0; until [ -e /tmp/probe-full ]; do i=$((i + 1)); [ $i -lt 80 ] || unclear "the flood did not rise"; sleep 0.1; done'


def _flood(key: str, says: str, perl: str, witness: str, *guards: str, wait: str = NOTHING_LEFT) -> Probe:
    script = (
        f"rm -f /tmp/probe-full\n"
        f'setsid perl -e \'{MARK} {perl}; open(my $full, ">", "/tmp/probe-full"); close $full; sleep 60\' {BACKGROUND}\n{wait}'
    )
    return Probe(key, says, script, guards=guarded(*guards), witness=witness, clean=END, patience_s=15)


AREA = Area(
    "floods",
    (
        _flood("flood-inotify", "every file watch of the kernel's pool for a user",
               f"for my $k (1..6) {{ my $p = fork; if (!$p) {{ 1 while syscall({_INOTIFY}, 0) >= 0; sleep 60; exit }} }} sleep 1",
               f"answers 0 {_INOTIFY} 0", "own-uid"),
        _flood("flood-message-queues", "every message queue of a user",
               f"my $n = 0; while ($n < 64) {{ my $name = \"probe$n\"; last if syscall({_QUEUE}, $name, 66, 384, 0) < 0; $n++ }}",
               f"perl -e 'my $n = q(probe-mine); exit(syscall({_QUEUE}, $n, 66, 384, 0) < 0)' || broken 'no message queue is left'", "own-uid"),
        _flood("flood-pipes", "every large pipe of a user",
               "my @all; while (@all < 500) { pipe(my $r, my $w) or last; my $big = fcntl($w, 1031, 1048576); push @all, $r, $w; last unless $big }",
               "perl -e 'pipe(my $r, my $w) or exit 2; exit(fcntl($w, 1032, 0) < 65536)' || broken 'pipes have shrunk'", "own-uid"),
        _flood("flood-processes", "every process number",
               "while (1) { my $p = fork; last unless defined $p; if (!$p) { sleep 60; exit } }",
               "[ \"$(echo forked | cat)\" = forked ] || broken 'no process can be started'"),
        _flood("flood-descriptors", "every open file of the host",
               "for my $k (1..8) { my $p = fork; if (!$p) { my @all; while (1) { open(my $f, \"<\", \"/dev/null\") or last; push @all, $f } sleep 60; exit } } sleep 1",
               "perl -e 'my @all; for (1..200) { open(my $f, \"<\", \"/dev/null\") or exit 1; push @all, $f }' || broken 'no file opens'"),
        _flood("flood-terminals", "every pseudo-terminal",
               "my @all; while (@all < 2000) { open(my $f, \"+<\", \"/dev/ptmx\") or last; push @all, $f } pop @all for 1..4",
               "python3 -c 'import os; os.openpty()' || broken 'no terminal is left'"),
        _flood("flood-tmp", "every byte of /tmp, and of the host's disk behind it",
               "open(my $full, \">\", \"/tmp/probe-full\"); close $full; open(my $f, \">\", \"/tmp/probe-bytes\"); 1 while syswrite($f, \"x\" x 65536); sleep 60",
               "fallocate -l 1M /tmp/witness && rm /tmp/witness || broken 'no byte is left'"),
        _flood("flood-shared-memory", "every byte of shared memory",
               "open(my $f, \">\", \"/dev/shm/probe-bytes\"); 1 while syswrite($f, \"x\" x 65536)",
               "fallocate -l 1M /dev/shm/witness && rm /dev/shm/witness || broken 'no byte is left'"),
        _flood("flood-inodes", "every file of the host's disk",
               "my $n = 0; mkdir \"/home/learner/probe-many\"; while ($n < 200000) { open(my $f, \">\", \"/home/learner/probe-many/$n\") or last; close $f; $n++ }",
               "touch /home/learner/witness && rm /home/learner/witness || broken 'no file is left'"),
        _flood("flood-memory", "all memory",
               "for my $k (1..4) { my $p = fork; if (!$p) { my @x; push @x, \"x\" x 1048576 while 1 } } sleep 1",
               "perl -e 'my $x = q(x) x 8388608; exit(length($x) != 8388608)' || broken 'no memory is left'"),
        _flood("flood-semaphores", "every semaphore of the node's own pool",
               "my $n = 0; while ($n < 40000) { last unless defined semget(0, 8, 0600); $n++ }",
               "perl -e 'exit !defined semget(0, 1, 0600)' || broken 'no semaphore is left'"),
        _flood("flood-shared-segments", "every System V segment",
               "my $n = 0; while ($n < 5000) { last unless defined shmget(0, 4096, 0600); $n++ }",
               "perl -e 'exit !defined shmget(0, 4096, 0600)' || broken 'no segment is left'"),
        _flood("flood-sockets", "every socket and local port",
               "use Socket; my @all; while (1) { socket(my $s, AF_UNIX, SOCK_STREAM, 0) or last; push @all, $s } pop @all for 1..4",
               "python3 -c 'import socket; socket.create_server((\"127.0.0.1\", 0))' || broken 'no socket is left'"),
        _flood("flood-packets", "the neighbour's network with packets",
               "use Socket; for my $k (1..2) { my $p = fork; if (!$p) { socket(my $s, AF_INET, SOCK_DGRAM, 0); while (1) { for my $o (1..14) "
               "{ send($s, \"x\" x 1400, 0, pack_sockaddr_in(9, inet_aton($ENV{NEIGHBOUR}))) } } } }",
               "python3 -c \"$REACH\" $NEIGHBOURS_SIBLING:8080 | grep -q ' reached$' || broken 'the neighbour does not reach its own'"),
    ),
    together=1,
)  # fmt: skip
