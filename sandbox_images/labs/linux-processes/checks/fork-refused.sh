events=/sys/fs/cgroup/pids.events
[ -e "$events" ] || events=/sys/fs/cgroup/pids/pids.events
times=$(awk '$1 == "max" { print $2 }' "$events")
[ -n "$times" ] || exit 1
echo "refused=$times"
[ "$times" -ge 1 ] || { echo never-refused; exit 1; }
