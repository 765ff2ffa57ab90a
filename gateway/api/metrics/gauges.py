"""The gauges of this process, set every second and at its own scrapes."""

from django.conf import settings
from django.db import connection

from billing.ledger import writer
from gateway.api.capacity import capacity
from gateway.health import monitor
from infra import metrics
from infra.background import Background

EVERY_S = 1.0
STATES = "closed", "half_open", "open"


def set_gauges() -> None:
    """Set them all."""
    metrics.RUNNING.set(capacity.running)
    metrics.CAPACITY.set(settings.WORKER_CAPACITY)
    metrics.SETTLEMENT_LAG.set(writer.settlement_lag_s())
    _set_breakers()
    pool = getattr(connection, "pool", None) if connection.vendor == "postgresql" else None
    if pool is not None:
        metrics.DB_POOL_SIZE.set(pool.max_size)
        figures = pool.get_stats()
        metrics.DB_POOL_IN_USE.set(figures["pool_size"] - figures["pool_available"])


def _set_breakers() -> None:
    found = {
        (provider, route): STATES.index(state)
        for provider, route, state in monitor.current().breaker_states()
    }
    forgotten = dict.fromkeys(_shown - found.keys(), STATES.index("closed"))  # it counts as new
    for labels, state in (found | forgotten).items():
        metrics.BREAKER_STATE.labels(*labels).set(state)
    _shown.clear()
    _shown.update(found)


_shown: set[tuple[str, str]] = set()
_background = Background("gauges", set_gauges, every_s=EVERY_S)


def start() -> None:
    """Keep them set from now on."""
    set_gauges()
    _background.ensure_running()
