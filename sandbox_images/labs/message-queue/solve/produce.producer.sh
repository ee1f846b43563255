cat > ~/producer.py <<'PYTHON'
import json
import time

import pika

URL = open("/home/learner/amqp.url").read().strip()


def publish_orders():
    connection = pika.BlockingConnection(pika.URLParameters(URL))
    channel = connection.channel()
    channel.exchange_declare("orders", exchange_type="fanout", durable=True)
    for queue in ("orders.work", "orders.audit"):
        channel.queue_declare(queue, durable=True)
        channel.queue_bind(queue, "orders")
    channel.confirm_delivery()
    while True:
        order = {"id": f"order-{time.time_ns() // 1_000_000}", "work_s": 0.2}
        properties = pika.BasicProperties(delivery_mode=2, timestamp=int(time.time()))
        channel.basic_publish("orders", "", json.dumps(order).encode(), properties)
        print("sent", order["id"], flush=True)
        time.sleep(1)


while True:
    try:
        publish_orders()
    except (pika.exceptions.AMQPError, OSError) as problem:
        print("no broker, trying again:", repr(problem), flush=True)
        time.sleep(1)
PYTHON
nohup python3 ~/producer.py > ~/producer.log 2>&1 &
until grep -q '^sent' ~/producer.log; do sleep 0.1; done
