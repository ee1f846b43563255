cat > ~/heartbeat.sh <<'SCRIPT'
while true; do
  date >> ~/heartbeat.log
  sleep 1
done
SCRIPT
nohup bash ~/heartbeat.sh > /dev/null 2>&1 &
echo $! > ~/heartbeat.pid
