home=/home/learner
fail() { echo "$1"; exit 1; }

readable "$home/limits.txt"
said=$(sed -n 's/^[[:space:]]*pids_max[[:space:]]*=[[:space:]]*//p' "$home/limits.txt" 2>/dev/null | tail -n 1 | tr -d '[:space:]')
[ -n "$said" ] || fail no-value
limit=$(cat /sys/fs/cgroup/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids/pids.max) || exit 1
[ "$said" = "$limit" ] || fail wrong-value
echo "pids_max=$limit"
