pkill -9 beam.smp
while pgrep beam.smp > /dev/null; do sleep 0.1; done
rabbitmq-server -detached < /dev/null
bash -c 'until (exec 3<> /dev/tcp/127.0.0.1/5672) 2> /dev/null; do sleep 0.1; done'
