"""What ties a completion to its caller: when the caller leaves, the upstream connection is cut."""

import threading
import time

from gateway.providers.base import Abort


class CallerLifeline:
    """One for each completion; `cut` may come from any thread, at any time, more than once."""

    def __init__(self, *, total_timeout_s: float) -> None:
        self.deadline_s = time.monotonic() + total_timeout_s
        self.is_cut = False
        self._abort: Abort | None = None
        self._lock = threading.Lock()

    def attach(self, abort: Abort) -> None:
        with self._lock:
            self._abort = abort
            is_cut = self.is_cut
        if is_cut:
            abort()

    def detach(self) -> None:
        with self._lock:
            self._abort = None

    def cut(self) -> None:
        with self._lock:
            self.is_cut = True
            abort = self._abort
        if abort is not None:
            abort()
