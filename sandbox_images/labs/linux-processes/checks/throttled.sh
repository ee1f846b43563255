stat=/sys/fs/cgroup/cpu.stat
[ -e "$stat" ] || stat=/sys/fs/cgroup/cpu/cpu.stat
times=$(awk '$1 == "nr_throttled" { print $2 }' "$stat")
[ -n "$times" ] || exit 1
echo "nr_throttled=$times"
[ "$times" -ge 40 ] || { echo not-enough; exit 1; }
