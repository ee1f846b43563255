readable /home/learner/amqp.url || { echo no-broker; exit 1; }
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


try:
    connection = connect(url())
except Exception:
    end("no-broker")


def ask(absent, different, declare):
    """Whether the broker agrees: first that it exists, then that it is what we say it is."""
    try:
        declare(passive=True)
    except pika.exceptions.ChannelClosedByBroker:
        end(absent)
    try:
        declare(passive=False)
    except pika.exceptions.ChannelClosedByBroker:
        end(different)


ask(
    "no-exchange",
    "exchange-kind",
    lambda passive: connection.channel().exchange_declare(
        "orders", exchange_type="fanout", durable=True, passive=passive
    ),
)
for queue in ("orders.work", "orders.audit"):
    ask(
        "no-queue",
        "queue-not-durable",
        lambda passive, queue=queue: connection.channel().queue_declare(queue, durable=True, passive=passive),
    )
print("orders -> orders.work, orders.audit")
connection.close()
PYTHON
