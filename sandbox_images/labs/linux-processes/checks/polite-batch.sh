home=/home/learner
fail() { echo "$1"; exit 1; }

readable "$home/batch.pid"
pid=
[ -s "$home/batch.pid" ] && read -r pid < "$home/batch.pid"
case $pid in '' | *[!0-9]*) fail no-pid-file ;; esac
[ "$(stat -c %u "/proc/$pid" 2>/dev/null)" = "$(stat -c %u "$home")" ] || fail not-running
tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -q 'batch\.sh' || fail not-running
niceness=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 17)
echo "pid=$pid nice=$niceness"
[ "$niceness" -ge 10 ] || fail not-nice
