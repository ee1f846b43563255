home=/home/learner
fail() { echo "$1"; exit 1; }

readable "$home/limits.txt"
said=$(sed -n 's/^[[:space:]]*memory_bytes[[:space:]]*=[[:space:]]*//p' "$home/limits.txt" 2>/dev/null | tail -n 1 | tr -d '[:space:]')
[ -n "$said" ] || fail no-value
case $said in *[!0-9]* | ???????????????????*) fail wrong-value ;; esac

limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes) || exit 1
if [ "$said" = "$limit" ]; then
  echo "memory_bytes=$limit"
  exit 0
fi
host_kib=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
[ "$said" -eq "$host_kib" ] || [ $((said / 1048576)) -eq $((host_kib / 1024)) ] || [ "$said" -eq $((host_kib / 1024)) ] && fail host-value
[ "$said" -eq $((limit / 1024)) ] || [ "$said" -eq $((limit / 1048576)) ] && fail wrong-unit
fail wrong-value
