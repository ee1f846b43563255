kill "$(cat ~/heartbeat.pid)"
cat > ~/heartbeat.sh <<'SCRIPT'
trap 'echo "stopped $$" >> ~/heartbeat.log; exit 0' TERM
while true; do
  date >> ~/heartbeat.log
  sleep 1
done
SCRIPT
nohup bash ~/heartbeat.sh > /dev/null 2>&1 &
first=$!
until grep -q 'SigCgt:.*[4567cdef]...$' "/proc/$first/status"; do sleep 0.1; done
kill "$first"
until grep -qx "stopped $first" ~/heartbeat.log; do sleep 0.1; done
nohup bash ~/heartbeat.sh > /dev/null 2>&1 &
echo $! > ~/heartbeat.pid

nohup sleep 3600 > /dev/null 2>&1 &
kill -STOP $!
nohup sh -c 'sleep 0.2 & exec sleep 3600' > /dev/null 2>&1 &
sleep 0.5
