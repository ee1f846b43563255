kill "$(cat ~/consumer.pid)"
rm -f ~/done.log
cat > ~/consumer.py <<'PYTHON'
import json
import time

import pika

URL = open("/home/learner/amqp.url").read().strip()


def handle(channel, method, properties, body):
    try:
        order = json.loads(body)
    except ValueError:
        channel.basic_reject(method.delivery_tag, requeue=False)
        return
    time.sleep(float(order["work_s"]))
    with open("/home/learner/done.log", "a") as log:
        print("done", order["id"], "again" if method.redelivered else "", file=log)
    channel.basic_ack(method.delivery_tag)


def consume_orders():
    connection = pika.BlockingConnection(pika.URLParameters(URL))
    channel = connection.channel()
    channel.queue_declare("orders.dead", durable=True)
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume("orders.work", handle, auto_ack=False)
    channel.start_consuming()


while True:
    try:
        consume_orders()
    except (pika.exceptions.AMQPError, OSError) as problem:
        print("no broker, trying again:", repr(problem), flush=True)
        time.sleep(1)
PYTHON
nohup python3 ~/consumer.py > ~/consumer.log 2>&1 &
echo $! > ~/consumer.pid
until [ -s ~/done.log ]; do sleep 0.1; done
