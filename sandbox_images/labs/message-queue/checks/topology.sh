readable /home/learner/amqp.url || { echo no-broker; exit 1; }
broker <<'PYTHON'
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
