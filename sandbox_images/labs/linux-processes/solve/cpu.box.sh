stat=/sys/fs/cgroup/cpu.stat
[ -e "$stat" ] || stat=/sys/fs/cgroup/cpu/cpu.stat
while [ "$(sed -n 's/^nr_throttled //p' "$stat")" -lt 40 ]; do
  for hog in 1 2 3; do timeout 2 sha256sum /dev/zero & done
  timeout 2 sha256sum /dev/zero
done
cat > ~/batch.sh <<'SCRIPT'
while true; do
  head -c 1000000 /dev/zero | sha256sum > /dev/null
  sleep 2
done
SCRIPT
nohup nice -n 15 bash ~/batch.sh > /dev/null 2>&1 &
echo $! > ~/batch.pid
