events=/sys/fs/cgroup/memory.events
[ -e "$events" ] || events=/sys/fs/cgroup/memory/memory.oom_control
kills=$(awk '$1 == "oom_kill" { print $2 }' "$events")
[ -n "$kills" ] || exit 1
echo "oom_kill=$kills"
[ "$kills" -ge 1 ] || { echo no-kill; exit 1; }
