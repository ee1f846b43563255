"""What happens too often for a row: counted in files that every process of the installation shares, read at /metrics.

Gauges (states, queue, pool) are not here: they are read from the rows when asked (labs.operating.collector).
"""

import os
import socket
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram, values

# Seconds from the wish to ready machines: from a claim out of the pool to a cold start on a busy host.
START_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 21, 34, 60, 120)


class Metrics:
    """The counters of this process, kept in its own files of the shared folder."""

    def __init__(self) -> None:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder())
        # Containers share the folder and not their process numbers.
        values.ValueClass = values.MultiProcessValue(lambda: f"{socket.gethostname()}-{os.getpid()}")
        registry = CollectorRegistry()
        self.start_seconds = Histogram(
            "yunlian_start_seconds",
            "From the wish for a lab to its ready machines, by where they came from.",
            ["source"],
            buckets=START_BUCKETS,
            registry=registry,
        )
        self.repairs = self._counter("yunlian_sweep_repairs", "What sweeps put right.", "kind", registry)
        self.terminal_bytes = self._counter(
            "yunlian_terminal_bytes", "Bytes between browsers and terminals.", "direction", registry
        )
        self.dropped = self._counter(
            "yunlian_clients_dropped", "Sockets closed against their client's will.", "code", registry
        )

    @staticmethod
    def _counter(name: str, words: str, label: str, registry: CollectorRegistry) -> Counter:
        return Counter(name, words, [label], registry=registry)


def folder() -> Path:
    """Where the counters' files are; made at the first call."""
    path = Path(settings.VAR_DIR) / "run" / "metrics"
    path.mkdir(parents=True, exist_ok=True)
    return path


@lru_cache(maxsize=1)
def _metrics() -> Metrics:
    return Metrics()


def started(seconds: float, source: str) -> None:
    """A sandbox got ready ``seconds`` after it was asked for; ``source`` is ``cold`` or ``pool``."""
    _metrics().start_seconds.labels(source).observe(max(0.0, seconds))


def repaired(kind: str, count: int = 1) -> None:
    """A sweep found ``count`` things undone."""
    if count:
        _metrics().repairs.labels(kind).inc(count)


def moved_bytes(sent: int, typed: int) -> None:
    """So many bytes went to a browser, so many came from it."""
    _metrics().terminal_bytes.labels("out").inc(sent)
    _metrics().terminal_bytes.labels("in").inc(typed)


def dropped(code: Any) -> None:
    """A socket was closed with that code although its client was still there."""
    _metrics().dropped.labels(getattr(code, "name", str(code)).lower()).inc()
