readable /home/learner/amqp.url || { echo no-broker; exit 1; }
readable /home/learner/done.log
broker <<'PYTHON'
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
