readable /home/learner/rabbitmq/rabbitmq.conf || { echo no-broker; exit 1; }
readable /home/learner/rabbitmq/log
broker <<'PYTHON'
def configured():
    values = {}
    with open("/home/learner/rabbitmq/rabbitmq.conf", encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, value = line.partition("=")
            values[name.strip()] = value.strip().strip("'\"")
    return pika.PlainCredentials(values.get("default_user", ""), values.get("default_pass", ""))


def broker_started_at():
    """When the running broker process started, by the kernel's clock; None when none runs."""
    with open("/proc/stat") as stat:
        boot = next(int(line.split()[1]) for line in stat if line.startswith("btime"))
    for entry in os.listdir("/proc"):
        try:
            with open("/proc/%s/comm" % int(entry)) as comm:
                if comm.read().strip() != "beam.smp":
                    continue
            with open("/proc/%s/cmdline" % entry, "rb") as command:
                if b"\0-s\0rabbit\0boot\0" not in command.read():
                    continue
            with open("/proc/%s/stat" % entry) as stat:
                ticks = int(stat.read().rpartition(")")[2].split()[19])
        except (OSError, ValueError):
            continue
        return boot + ticks / os.sysconf("SC_CLK_TCK")
    return None


def starts_logged():
    count = 0
    folder = "/home/learner/rabbitmq/log"
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as log:
            count += sum("Starting RabbitMQ" in line for line in log)
    return count


started = broker_started_at()
if started is None:
    end("no-broker")
parameters = pika.ConnectionParameters(
    "localhost", credentials=configured(), socket_timeout=2, stack_timeout=4, blocked_connection_timeout=3
)
try:
    connection = pika.BlockingConnection(parameters)
except Exception:
    end("no-broker")
channel = connection.channel()
try:
    audit = channel.queue_declare("orders.audit", passive=True).method.message_count
    consumers = channel.queue_declare("orders.work", passive=True).method.consumer_count
except pika.exceptions.ChannelClosedByBroker:
    end("lost-in-restart" if starts_logged() > 1 else "not-restarted")
method, properties, _body = channel.basic_get("orders.audit")
if method is None:
    end("lost-in-restart" if starts_logged() > 1 else "not-restarted")
channel.basic_reject(method.delivery_tag, requeue=True)
oldest = properties.timestamp or 0
print("oldest_order=%d broker_started=%d audit=%d" % (oldest, started, audit))
if not oldest:
    end("lost-in-restart")
if oldest >= started - 1:
    end("lost-in-restart" if starts_logged() > 1 else "not-restarted")
if properties.delivery_mode != 2:
    end("lost-in-restart")

mine = channel.queue_declare("", exclusive=True).method.queue
channel.queue_bind(mine, "orders")
fresh = False
deadline = time.monotonic() + 5
for _method, _properties, body in channel.consume(mine, auto_ack=True, inactivity_timeout=1):
    fresh = body is not None and b"check-" not in body
    if fresh or time.monotonic() > deadline:
        break
if not fresh:
    end("no-traffic")
if consumers == 0:
    end("no-consumer")
connection.close()
PYTHON
