"""The service's Prometheus metrics, declared in one place; every room counts on them.

Under gunicorn each worker writes into files of PROMETHEUS_MULTIPROC_DIR, from which a scrape of any worker
reads all of them; a worker that has ended keeps its counts there. Without that variable the metrics are
this process's alone. No label bears a key, a person, a text or a word of the caller's own: that is OTHER.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

OTHER = "other"
IS_SHARED = "PROMETHEUS_MULTIPROC_DIR" in os.environ

_ANSWER_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_WAIT_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60)

_registry = CollectorRegistry()
_process_id = os.getpid()


def _note_process() -> None:
    global _process_id
    _process_id = os.getpid()


if IS_SHARED:
    # The library would ask the kernel at each count whether the process has forked.
    os.register_at_fork(after_in_child=_note_process)
    values.ValueClass = values.MultiProcessValue(lambda: _process_id)  # type: ignore[no-untyped-call]

REQUESTS = Counter(
    "xrouter_requests",
    "Requests answered.",
    ("route", "status", "model", "provider"),
    registry=_registry,
)
REQUEST_SECONDS = Histogram(
    "xrouter_request_seconds",
    "From a request's head to the last byte of its answer.",
    ("route",),
    buckets=_ANSWER_S,
    registry=_registry,
)
TIME_TO_FIRST_TOKEN = Histogram(
    "xrouter_time_to_first_token_seconds",
    "From a request to the first words of its answer.",
    ("model",),
    buckets=_ANSWER_S,
    registry=_registry,
)
UPSTREAM_LATENCY = Histogram(
    "xrouter_upstream_latency_seconds",
    "From a call of a provider to the first bytes of its answer.",
    ("provider",),
    buckets=_ANSWER_S,
    registry=_registry,
)
UPSTREAM_OUTCOMES = Counter(
    "xrouter_upstream_outcomes",
    "Calls of providers by what came of them.",
    ("provider", "outcome"),
    registry=_registry,
)
TOKENS = Counter(
    "xrouter_tokens",
    "Tokens of settled answers: prompt (cached ones included), cached, completion.",
    ("model", "kind"),
    registry=_registry,
)
ROUBLES = Counter(
    "xrouter_roubles", "Roubles charged for settled answers.", ("model",), registry=_registry
)
WRITE_OFFS = Counter(
    "xrouter_write_offs_roubles",
    "Roubles of finished answers that nobody paid: they cost more than was held and left.",
    registry=_registry,
)
LIMITS_REFUSED = Counter(
    "xrouter_limits_refused",
    "Requests refused by a limit.",
    ("limit_source",),
    registry=_registry,
)
MODERATION_EVENTS = Counter(
    "xrouter_moderation_events",
    "Texts that moderation refused or flagged, once for each category.",
    ("category",),
    registry=_registry,
)
QUEUE_WAIT = Histogram(
    "xrouter_queue_wait_seconds",
    "What requests waited for a slot of a provider; those that did not wait are not counted.",
    ("provider",),
    buckets=_WAIT_S,
    registry=_registry,
)
QUEUE_DEPTH = Gauge(
    "xrouter_queue_depth",
    "Requests that wait for a slot of a provider.",
    ("provider",),
    multiprocess_mode="livesum",
    registry=_registry,
)
RUNNING = Gauge(
    "xrouter_running",
    "Requests to models that run now.",
    multiprocess_mode="livesum",
    registry=_registry,
)
CAPACITY = Gauge(
    "xrouter_capacity",
    "Requests to models that may run at once.",
    multiprocess_mode="livesum",
    registry=_registry,
)
BREAKER_STATE = Gauge(
    "xrouter_breaker_state",
    "Circuit breaker of a route: 0 closed, 1 half open, 2 open.",
    ("provider", "route"),
    multiprocess_mode="livemax",
    registry=_registry,
)
SETTLEMENT_LAG = Gauge(
    "xrouter_settlement_lag_seconds",
    "For how long the oldest settlement has waited to be written.",
    multiprocess_mode="livemax",
    registry=_registry,
)
DB_POOL_SIZE = Gauge(
    "xrouter_db_pool_size",
    "Pooled database connections that there may be.",
    multiprocess_mode="livesum",
    registry=_registry,
)
DB_POOL_IN_USE = Gauge(
    "xrouter_db_pool_in_use",
    "Pooled database connections in use.",
    multiprocess_mode="livesum",
    registry=_registry,
)


def exposition(*collectors: Collector) -> bytes:
    """Return the text of all workers' metrics and of `collectors`, which ask at the time of the scrape."""
    registry = CollectorRegistry()
    for collector in (_AllWorkers() if IS_SHARED else _registry, *collectors):
        registry.register(collector)
    return generate_latest(registry)


class _AllWorkers(Collector):
    """Reads the files of all workers; what none of them has counted yet is announced without a value."""

    def collect(self) -> Iterator[Metric]:
        files = filter(_is_begun, Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db"))
        found = MultiProcessCollector.merge(map(str, files))  # type: ignore[no-untyped-call]
        counted = {metric.name: metric for metric in found}
        for own in _registry.collect():
            yield counted.get(own.name) or Metric(own.name, own.documentation, own.type)


def _is_begun(path: Path) -> bool:
    """Say whether a worker has given its new file a length; the library cannot read it before that."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size > 0
    return False
