readable /home/learner/amqp.url || { echo no-url; exit 1; }
broker <<'PYTHON'
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
