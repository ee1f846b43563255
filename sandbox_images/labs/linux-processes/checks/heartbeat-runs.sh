home=/home/learner
fail() { echo "$1"; exit 1; }

readable "$home/heartbeat.pid"
readable "$home/heartbeat.log"
[ -s "$home/heartbeat.pid" ] || fail no-pid-file
read -r pid < "$home/heartbeat.pid"
case $pid in '' | *[!0-9]*) fail pid-not-a-number ;; esac
[ "$(stat -c %u "/proc/$pid" 2>/dev/null)" = "$(stat -c %u "$home")" ] || fail not-running
tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -q 'heartbeat\.sh' || fail not-running

# The kernel knows whether it would live on: SIGHUP ignored (mask bit 0), or no terminal at all (field 7 of stat).
ignored=$(sed -n 's/^SigIgn:[[:space:]]*//p' "/proc/$pid/status")
terminal=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 5)
[ $((0x$ignored & 1)) -eq 1 ] || [ "$terminal" -eq 0 ] || fail tied-to-terminal

size() { stat -c %s "$home/heartbeat.log" 2>/dev/null || echo 0; }
before=$(size)
tries=0
while [ "$(size)" -le "$before" ]; do
  tries=$((tries + 1))
  [ "$tries" -le 15 ] || fail no-beat
  sleep 0.2
done
echo "pid=$pid"
