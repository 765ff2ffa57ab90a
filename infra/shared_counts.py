"""Counts of rare events that happen in any process, also in Celery's; they stand in the shared cache."""

from django.core.cache import cache

MAIL_FAILURES = "mail_failures"

_PREFIX = "count:"


def add(name: str) -> None:
    """Count one event."""
    cache.add(_PREFIX + name, 0, timeout=None)
    cache.incr(_PREFIX + name)


def of(name: str) -> int:
    """Return how many there were, since the cache was last emptied."""
    return int(cache.get(_PREFIX + name, 0))
