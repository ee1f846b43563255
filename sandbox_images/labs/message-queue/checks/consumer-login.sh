readable /home/learner/amqp.url || { echo no-url; exit 1; }
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
    address = url()
except OSError:
    end("no-url")
if not address.startswith("amqp://") or "@broker" not in address:
    end("bad-url")
try:
    parameters = pika.URLParameters(address)
except Exception:
    end("bad-url")
if parameters.credentials.username == "guest":
    end("guest")
try:
    connection = connect(address)
except (pika.exceptions.ProbableAuthenticationError, pika.exceptions.ProbableAccessDeniedError):
    end("refused")
except (pika.exceptions.AMQPError, OSError):
    end("no-broker")
connection.channel()
print("user=" + parameters.credentials.username)
connection.close()
PYTHON
