"""How many completions this worker carries at once; the one beyond is told so at once."""

import threading

from django.conf import settings

from gateway.api.errors import Overloaded


class Capacity:
    """A counter of running completions with a ceiling."""

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._lock = threading.Lock()
        self.running = 0

    def enter(self) -> None:
        """Raise Overloaded when the worker is full."""
        with self._lock:
            if self.running >= self._ceiling:
                raise Overloaded
            self.running += 1

    def leave(self) -> None:
        with self._lock:
            self.running -= 1


capacity = Capacity(settings.WORKER_CAPACITY)
