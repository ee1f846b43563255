# broker: runs the Python on standard input, after what these checks share.
broker() {
  {
    cat <<'PYTHON'
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
PYTHON
    cat
  } | python3 -I -
}

