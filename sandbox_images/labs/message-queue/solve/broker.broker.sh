mkdir -p ~/rabbitmq
cat > ~/rabbitmq/rabbitmq.conf <<'CONF'
default_user = courier
default_pass = plum-orchard-7
vm_memory_high_watermark.absolute = 224MB
disk_free_limit.absolute = 10MB
CONF
rabbitmq-server -detached < /dev/null
bash -c 'until (exec 3<> /dev/tcp/127.0.0.1/5672) 2> /dev/null; do sleep 0.1; done'
