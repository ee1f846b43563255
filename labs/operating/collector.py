"""What Prometheus reads: the counters of every process, and gauges read from the rows at this moment."""

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from labs import metrics
from labs.models import Attendant, CheckRequest, Host, LabSession
from labs.operating import board


class Rows(Collector):
    """Gauges from the database."""

    def collect(self) -> Iterator[Metric]:
        states = GaugeMetricFamily("yunlian_sandboxes", "Live sandboxes by state.", labels=["state"])
        for state, count in board.counts().items():
            states.add_metric([state], count)
        yield states
        cpus, memory = board.shares()
        for name, share, words in (
            ("yunlian_millicpus", cpus, "Thousandths of a processor"),
            ("yunlian_memory_mebibytes", memory, "MiB of memory"),
        ):
            gauge = GaugeMetricFamily(name, f"{words}: promised, and what may be promised.", labels=["kind"])
            gauge.add_metric(["promised"], share.used)
            gauge.add_metric(["capacity"], share.of)
            yield gauge
        yield GaugeMetricFamily(
            "yunlian_open_sessions", "Open lab sessions.", value=LabSession.objects.open().count()
        )
        yield GaugeMetricFamily(
            "yunlian_waiting_checks",
            "Checks asked for and not answered.",
            value=CheckRequest.objects.unanswered().count(),
        )
        yield GaugeMetricFamily(
            "yunlian_queue_length", "Learners who wait for machines.", value=board.queue().count()
        )
        pooled = GaugeMetricFamily(
            "yunlian_pool_ready", "Sandboxes that wait in the pool, by set.", labels=["set"]
        )
        for image_set in board.pool():
            pooled.add_metric([image_set.key[:12]], image_set.ready)
        yield pooled
        yield from self._host_use()
        yield self._sweep_age()
        yield self._attendant_ages()

    @staticmethod
    def _host_use() -> Iterator[Metric]:
        host = Host.objects.filter(pk=1).first() or Host()
        for name, words, value in (
            (
                "yunlian_host_available_mebibytes",
                "Memory the host has available, as last measured.",
                host.available_mib,
            ),
            (
                "yunlian_host_disk_percent",
                "Of the engine's file system, the hundredths used.",
                host.disk_percent,
            ),
        ):
            if value is not None:
                yield GaugeMetricFamily(name, words, value=value)

    @staticmethod
    def _sweep_age() -> Metric:
        age = GaugeMetricFamily("yunlian_sweep_age_seconds", "Since a worker last compared rows and engine.")
        seen_at = Host.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()
        if seen_at is not None:
            age.add_metric([], (timezone.now() - seen_at).total_seconds())
        return age

    @staticmethod
    def _attendant_ages() -> Metric:
        """One that was never heard of has no sample: alert on absence as on age."""
        ages = GaugeMetricFamily(
            "yunlian_attendant_age_seconds",
            "Since a process that stands by running labs (recorder, egress) was last heard of.",
            labels=["name"],
        )
        for name, seen_at in Attendant.objects.seen().items():
            if seen_at is not None:
                ages.add_metric([name], (timezone.now() - seen_at).total_seconds())
        return ages


def exposition() -> bytes:
    """All of it in Prometheus' text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(metrics.folder()))
    registry.register(Rows())
    return generate_latest(registry)
