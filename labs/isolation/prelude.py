"""What every probe's script may use: verdicts, and attacks that must fail in the way they are expected to.

An attack that fails for another reason (a missing tool, say) is unclear, which counts as a failure of the test:
so no probe holds by accident.
"""

REACH = r"""
import errno, select, socket, sys, time
doors, found = {}, {}
for target in sys.argv[1:]:
    host, port = target.rsplit(":", 1)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setblocking(False)
    try:
        address = socket.getaddrinfo(host, int(port), family, socket.SOCK_STREAM)[0][4]
        code = door.connect_ex(address)
    except OSError as error:
        found[target] = type(error).__name__
        continue
    if code == errno.EINPROGRESS:
        doors[door] = target
    else:
        found[target] = errno.errorcode[code] if code else "reached"
end = time.monotonic() + 6
while doors and time.monotonic() < end:
    for door in select.select([], list(doors), [], end - time.monotonic())[1]:
        code = door.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        found[doors.pop(door)] = errno.errorcode[code] if code else "reached"
for target in sys.argv[1:]:
    print(target, found.get(target, "TimeoutError"))
"""

# ECONNREFUSED is an answer, too: somebody was there to refuse.
PRELUDE = r"""
held() { echo "@held $*"; exit 0; }
broken() { echo "@broken $*"; exit 0; }
unclear() { echo "@unclear $*"; exit 0; }
# refused WORDS COMMAND...: the command fails and says so in these words.
refused() {
    words=$1; shift
    told=$("$@" 2>&1) && broken "worked: $*: $told"
    printf '%s' "$told" | grep -Eqi "$words" || unclear "$*: $told"
}
# shut WORDS FILE: it cannot be opened for writing; nothing is written even if it can.
shut() {
    told=$( (: >>"$2") 2>&1 ) && broken "$2 opens for writing"
    printf '%s' "$told" | grep -Eqi "$1" || unclear "$2: $told"
}
# answers ERRNO NUMBER ARGUMENT...: the system call gets this error (0 for none).
answers() {
    want=$1; shift
    got=$(perl -e 'my @a = map { /^-?\d+$/ ? $_ + 0 : $_ } @ARGV; my $n = shift @a; $! = 0; my $r = syscall($n, @a); print $r == -1 ? $! + 0 : 0' -- "$@")
    [ -n "$got" ] || unclear "perl did not make call $1"
    [ "$got" = "$want" ] || { [ "$got" = 38 ] && [ "$want" = 1 ]; } || broken "call $1 is answered $got, not $want"
}
# same WANTED FOUND WHAT
same() { [ "$1" = "$2" ] || broken "$3: $2, not $1"; }
# unreachable HOST:PORT...: nobody answers there.
unreachable() {
    told=$(python3 -c "$REACH" "$@" 2>&1) || unclear "$told"
    [ "$(printf '%s\n' "$told" | wc -l)" = $# ] || unclear "$told"
    if printf '%s\n' "$told" | grep -Eq ' (reached|ECONNREFUSED)$'; then broken "$told"; fi
}
"""
