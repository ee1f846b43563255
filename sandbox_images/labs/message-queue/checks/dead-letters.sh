readable /home/learner/amqp.url || { echo no-broker; exit 1; }
readable /home/learner/done.log
python3 -I - <<'PYTHON'
import json
import os
import sys
import time

import pika


def end(reason):
    print(reason)
    sys.exit(1)


def connect(url):
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = 2
    parameters.stack_timeout = 4
    parameters.blocked_connection_timeout = 3
    parameters.connection_attempts = 1
    return pika.BlockingConnection(parameters)


def url():
    with open("/home/learner/amqp.url", encoding="utf-8", errors="replace") as file:
        return file.read().strip()



def publish(channel, body):
    properties = pika.BasicProperties(delivery_mode=2, timestamp=int(time.time()))
    channel.basic_publish("orders", "", body, properties)


def done(mark):
    """Numbers of our orders that the consumer has written down as done."""
    try:
        with open("/home/learner/done.log", encoding="utf-8", errors="replace") as log:
            return [line.split()[1] for line in log if line.startswith("done " + mark + "-")]
    except (OSError, IndexError):
        return []


try:
    connection = connect(url())
except Exception:
    end("no-broker")
for queue in ("orders.work", "orders.dead"):
    try:
        state = connection.channel().queue_declare(queue, passive=True).method
    except pika.exceptions.ChannelClosedByBroker:
        end("no-dead-queue" if queue == "orders.dead" else "no-consumer")
    if queue == "orders.work" and state.consumer_count == 0:
        end("no-consumer")

mark = "check-" + os.urandom(6).hex()
poison = ("not an order " + mark).encode()
channel = connection.channel()
publish(channel, poison)
publish(channel, json.dumps({"id": mark + "-after", "work_s": 0}).encode())

found = None
deadline = time.monotonic() + 6
while found is None and time.monotonic() < deadline:
    method, properties, body = channel.basic_get("orders.dead")
    if method is None:
        connection.sleep(0.2)
    elif body == poison:
        found = properties
        channel.basic_ack(method.delivery_tag)
if found is None:
    end("not-dead-lettered")
deaths = (found.headers or {}).get("x-death") or []
reasons = {str(death.get("reason")) for death in deaths if death.get("queue") == "orders.work"}
print("x-death=" + ",".join(sorted(reasons)))
if "rejected" not in reasons:
    end("not-rejected")
while not done(mark) and time.monotonic() < deadline + 3:
    connection.sleep(0.2)
if not done(mark):
    end("stuck")
connection.close()
PYTHON
