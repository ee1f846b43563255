home=/home/learner
fail() { echo "$1"; exit 1; }

readable "$home/limits.txt"
said=$(sed -n 's/^[[:space:]]*cpu_millis[[:space:]]*=[[:space:]]*//p' "$home/limits.txt" 2>/dev/null | tail -n 1 | tr -d '[:space:]')
[ -n "$said" ] || fail no-value

if [ -e /sys/fs/cgroup/cpu.max ]; then
  read -r quota period < /sys/fs/cgroup/cpu.max
else
  quota=$(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us) && period=$(cat /sys/fs/cgroup/cpu/cpu.cfs_period_us) || exit 1
fi
case $quota in '' | max | -*) exit 1 ;; esac
limit=$((quota * 1000 / period))
if [ "$said" = "$limit" ]; then
  echo "cpu_millis=$limit"
  exit 0
fi
case $said in
  0.* | .*) fail wrong-unit ;;
  *[!0-9]* | ???????????????????*) fail wrong-value ;;
esac
hosts=$(grep -c '^processor' /proc/cpuinfo)
[ "$said" -eq $((hosts * 1000)) ] || [ "$said" -eq "$hosts" ] && fail host-value
[ "$said" -eq "$quota" ] || [ "$said" -eq $((limit / 10)) ] && fail wrong-unit
fail wrong-value
