"""No provider may take more than half of a worker: one that is silent leaves the other half to the others."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

from django.conf import settings

from gateway import upstreams

LEAST_PLACES = 2


class Crowded(Exception):
    """The provider has its half of the places already."""


class Bulkhead:
    """Places of one process, taken by the requests that a provider is asked."""

    def __init__(self, capacity: int) -> None:
        self._places = max(LEAST_PLACES, capacity // 2)
        self._lock = threading.Lock()
        self._taken: Counter[tuple[str, bool]] = Counter()

    @contextlib.contextmanager
    def place(self, provider: str, *, is_test: bool) -> Iterator[None]:
        """Hold a place. Raises Crowded, unless there is no other provider to keep places for."""
        key = provider, is_test
        with self._lock:
            if self._taken[key] >= self._places and len(upstreams.served(is_test=is_test)) > 1:
                raise Crowded
            self._taken[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[key] -= 1


bulkhead = Bulkhead(settings.WORKER_CAPACITY)
