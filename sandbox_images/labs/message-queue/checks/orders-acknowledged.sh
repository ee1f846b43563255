readable /home/learner/amqp.url || { echo no-broker; exit 1; }
readable /home/learner/done.log
broker <<'PYTHON'
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
