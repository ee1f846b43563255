home=/home/learner
fail() { echo "$1"; exit 1; }

readable "$home/heartbeat.pid"
readable "$home/heartbeat.log"
pid=
[ -s "$home/heartbeat.pid" ] && read -r pid < "$home/heartbeat.pid"
case $pid in '' | *[!0-9]*) fail not-running ;; esac
[ "$(stat -c %u "/proc/$pid" 2>/dev/null)" = "$(stat -c %u "$home")" ] || fail not-running
tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -q 'heartbeat\.sh' || fail not-running

# SIGTERM is signal 15: bit 14 of the mask of caught signals.
caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$pid/status")
[ $((0x$caught & 0x4000)) -ne 0 ] || fail no-trap

for gone in $(sed -n 's/^stopped \([0-9][0-9]*\)$/\1/p' "$home/heartbeat.log" 2>/dev/null | sort -u); do
  if [ "$gone" -ne "$pid" ] && [ ! -d "/proc/$gone" ]; then
    echo "stopped=$gone running=$pid"
    exit 0
  fi
done
fail no-farewell
