"""The connection to the shared Redis: short timeouts, and a rest after each failure."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra import outages

TIMEOUT_S = 0.25
REST_S = 1.0
CONNECTIONS_MAX = 2000


class RedisAway(Exception):
    """Redis failed, now or within the last second."""


class SharedRedis:
    """After a failure it is not used for a second; then one caller tries, while others go without."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        # RESP2 and no driver info: on a new connection each greeting could wait a whole time-out.
        self.client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS_MAX,
            protocol=2,
            driver_info=None,
        )
        self._clock = clock
        self._lock = threading.Lock()
        self._is_away = False
        self._retry_at_s = 0.0

    @contextlib.contextmanager
    def reached(self) -> Iterator[None]:
        """Ask within. Raises RedisAway, at once while it rests."""
        if self._is_away:
            self._rest_or_try()
        try:
            yield
        except (redis.RedisError, OSError, ValueError) as error:
            self._failed(error)
            raise RedisAway from error
        self._is_away = False
        outages.redis.over()

    @property
    def is_resting(self) -> bool:
        """Say whether a caller would go without it now."""
        return self._is_away and self._clock() < self._retry_at_s

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _rest_or_try(self) -> None:
        with self._lock:
            now_s = self._clock()
            if now_s < self._retry_at_s:
                raise RedisAway
            self._retry_at_s = now_s + REST_S

    def _failed(self, error: Exception) -> None:
        with self._lock:
            self._is_away = True
            self._retry_at_s = self._clock() + REST_S
        outages.redis.note(error)
