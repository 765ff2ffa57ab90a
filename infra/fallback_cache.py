"""Django's cache in Redis; while Redis is away, each process uses its own memory."""

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra import outages

REDIS_TIMEOUT_S = 0.25
REDIS_REST_S = 1.0
NEAR_ENTRIES = 10_000


class FallbackRedisCache(RedisCache):
    """Falls back to memory: counts that are split between processes are better than lost ones."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _shared_client  # what the superclass talks to Redis by


class SteadyClient:
    """Calls Redis, or the process's memory if Redis failed within the last second."""

    def __init__(self, servers: list[str]) -> None:
        self._distant = RedisCacheClient(
            servers,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            socket_timeout=REDIS_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            max_connections=settings.WORKER_CAPACITY,
        )
        self._near = LocMemCache("while-redis-is-away", {"MAX_ENTRIES": NEAR_ENTRIES})
        self._lock = threading.Lock()
        self._failed_at: float | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self._call, name)

    def _call(self, name: str, *args: Any) -> Any:
        if self._is_resting():
            return getattr(self._near, name)(*args)
        try:
            answer = getattr(self._distant, name)(*args)
        except (redis.RedisError, OSError) as error:
            self._failed_at = time.monotonic()
            outages.redis.note(error)
            return getattr(self._near, name)(*args)
        self._failed_at = None
        outages.redis.over()
        return answer

    def _is_resting(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if self._failed_at is None:
                return False
            if now - self._failed_at < REDIS_REST_S:
                return True
            self._failed_at = now  # this caller tries, the others stay with what is near
            return False


def _shared_client(servers: list[str], **_options: Any) -> SteadyClient:
    """Return the process's only client: Django makes a cache for every thread or greenlet."""
    return _client(tuple(servers))


@functools.lru_cache(maxsize=4)
def _client(servers: tuple[str, ...]) -> SteadyClient:
    return SteadyClient(list(servers))
