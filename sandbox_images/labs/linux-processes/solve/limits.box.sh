cd /sys/fs/cgroup
if [ -e memory.max ]; then
  memory=$(cat memory.max)
  read -r quota period < cpu.max
  pids=$(cat pids.max)
else
  memory=$(cat memory/memory.limit_in_bytes)
  quota=$(cat cpu/cpu.cfs_quota_us)
  period=$(cat cpu/cpu.cfs_period_us)
  pids=$(cat pids/pids.max)
fi
cat > ~/limits.txt <<VALUES
memory_bytes=$memory
cpu_millis=$((quota * 1000 / period))
pids_max=$pids
VALUES
