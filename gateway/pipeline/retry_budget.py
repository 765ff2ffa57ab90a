"""How many requests may be sent a second time: a tenth of all, so that retries never make an outage worse."""

import threading
import time
from collections import deque
from collections.abc import Callable

SPAN_S = 60
SHARE = 0.1
FREE = 10
"""So many in a minute do not count, for a service that has few requests."""


class RetryBudget:
    """Counts of one process over a sliding minute, second by second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds: deque[list[int]] = deque()
        self._requests = 0
        self._retries = 0

    def count_request(self) -> None:
        """Count a request that is sent for the first time."""
        with self._lock:
            self._now()[1] += 1
            self._requests += 1

    def take(self) -> bool:
        """Count one that is to be sent once more, if there is one left; say whether there was."""
        with self._lock:
            counts = self._now()
            if self._retries + 1 > FREE + SHARE * self._requests:
                return False
            counts[2] += 1
            self._retries += 1
            return True

    def give_back(self) -> None:
        """Take back what `take` counted and nobody sent."""
        with self._lock:
            counts = self._now()
            counts[2] -= 1
            self._retries -= 1

    def _now(self) -> list[int]:
        """Return the counts of this second: [second, requests, retries]; forget those of a minute ago."""
        second = int(self._clock())
        while self._seconds and self._seconds[0][0] <= second - SPAN_S:
            _, requests, retries = self._seconds.popleft()
            self._requests -= requests
            self._retries -= retries
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
        return self._seconds[-1]


live, test = RetryBudget(), RetryBudget()
"""Test keys have one of their own: what they make the sandbox do is nobody else's trouble."""
