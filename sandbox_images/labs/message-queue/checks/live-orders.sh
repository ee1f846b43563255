readable /home/learner/amqp.url || { echo no-broker; exit 1; }
broker <<'PYTHON'
try:
    connection = connect(url())
except Exception:
    end("no-broker")
channel = connection.channel()
mine = channel.queue_declare("", exclusive=True).method.queue
try:
    channel.queue_bind(mine, "orders")
except pika.exceptions.ChannelClosedByBroker:
    end("no-exchange")
# Other checks publish, too; theirs are marked and say nothing of the producer.
order = None
deadline = time.monotonic() + 5
for _method, properties, body in channel.consume(mine, auto_ack=True, inactivity_timeout=1):
    if body is not None and b"check-" not in body:
        order = body
    if order is not None or time.monotonic() > deadline:
        break
if order is None:
    end("no-traffic")
print(order[:200].decode("utf-8", "replace"))
if properties.delivery_mode != 2:
    end("not-persistent")
if not properties.timestamp or abs(time.time() - properties.timestamp) > 120:
    end("no-timestamp")
try:
    fields = json.loads(order)
    fields["id"], float(fields["work_s"])
except (ValueError, KeyError, TypeError):
    end("bad-format")
connection.close()

connection = connect(url())
try:
    audit = connection.channel().queue_declare("orders.audit", passive=True).method.message_count
except pika.exceptions.ChannelClosedByBroker:
    end("no-audit")
print("delivery_mode=2 audit=%d" % audit)
if audit == 0:
    end("no-audit")
connection.close()
PYTHON
