"""Cancel a provider call from another thread: the upstream socket is shut.

So it is when the client disconnects, and when the credential of its stream ends.
"""

import time

from gateway.providers.base import Abort
from infra.short_lock import ShortLock


class CallerCancelToken:
    """One per completion. `cancel` may be called from any thread, at any time, more than once.

    `reason` is what the client is told; None where it has left.
    """

    def __init__(self, *, total_timeout_s: float) -> None:
        self.deadline_s = time.monotonic() + total_timeout_s
        self.is_cancelled = False
        self.reason: Exception | None = None
        self._abort: Abort | None = None
        self._lock = ShortLock()

    def bind(self, abort: Abort) -> None:
        with self._lock:
            self._abort = abort
            is_cut = self.is_cancelled
        if is_cut:
            abort()

    def unbind(self) -> None:
        with self._lock:
            self._abort = None

    def cancel(self, reason: Exception | None = None) -> None:
        with self._lock:
            if not self.is_cancelled:
                self.reason = reason
            self.is_cancelled = True
            abort = self._abort
        if abort is not None:
            abort()
