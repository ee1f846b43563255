tail /dev/zero
cat > ~/guarded.sh <<'SCRIPT'
ulimit -v 65536
echo $$ > ~/guarded.pid
tail /dev/zero
while true; do sleep 5; done
SCRIPT
nohup bash ~/guarded.sh > /dev/null 2>&1 &
until [ -s ~/guarded.pid ]; do sleep 0.1; done
