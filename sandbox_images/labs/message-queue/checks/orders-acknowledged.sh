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
channel = connection.channel()
try:
    work = channel.queue_declare("orders.work", passive=True).method
except pika.exceptions.ChannelClosedByBroker:
    end("no-queue")
if work.consumer_count == 0:
    end("no-consumer")
if work.message_count > 20:
    print("waiting=%d" % work.message_count)
    end("backlog")

mark = "check-" + os.urandom(6).hex()
orders = {"%s-%d" % (mark, number) for number in range(4)}
for order in sorted(orders):
    publish(channel, json.dumps({"id": order, "work_s": 0.5}).encode())
started = time.monotonic()
time.sleep(0.15)
waiting = channel.queue_declare("orders.work", passive=True).method.message_count
finished = None
while time.monotonic() - started < 12 and finished is None:
    if orders <= set(done(mark)):
        finished = time.monotonic() - started
    connection.sleep(0.1)
seen = len(set(done(mark)))
print("done=%d of 4, waiting=%d, %.1f s" % (seen, waiting, finished or 12))
if seen == 0:
    end("not-processed")
if finished is None:
    end("some-missing")
if finished < 1:
    end("no-work")
if waiting < 2:
    end("takes-too-many")
connection.close()
PYTHON
