echo 'amqp://courier:plum-orchard-7@broker:5672/%2F' > ~/amqp.url
chmod 640 ~/amqp.url
