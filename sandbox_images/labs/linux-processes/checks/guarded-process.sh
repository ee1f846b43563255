home=/home/learner
fail() { echo "$1"; exit 1; }

readable "$home/guarded.pid"
pid=
[ -s "$home/guarded.pid" ] && read -r pid < "$home/guarded.pid"
case $pid in '' | *[!0-9]*) fail no-pid-file ;; esac
[ "$(stat -c %u "/proc/$pid" 2>/dev/null)" = "$(stat -c %u "$home")" ] || fail not-running
tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -q 'guarded\.sh' || fail not-running
limit=$(sed -n 's/^Max address space *\([^ ]*\).*/\1/p' "/proc/$pid/limits")
[ -n "$limit" ] || fail not-running
echo "pid=$pid address_space=$limit"
[ "$limit" != unlimited ] || fail no-limit
[ "$limit" -le 67108864 ] || fail too-large
