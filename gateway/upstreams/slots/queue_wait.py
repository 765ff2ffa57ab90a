"""How long a request waits in queues for slots, over all the providers that it may ask."""

import contextlib
import time
from collections.abc import Callable, Iterator

from gateway.providers.base import CancelToken


class QueueWait:
    """The time that one request has spent in queues, and what is left of it.

    `others` are the providers that may be asked instead of the one that is waited for.
    """

    def __init__(self, most_s: float, cancel_token: CancelToken) -> None:
        self.others: tuple[str, ...] = ()
        self._most_s = most_s
        self._cancel_token = cancel_token
        self._past_s = 0.0
        self._since_s: float | None = None

    @property
    def waited_s(self) -> float:
        """What was waited so far, in this queue and those before it."""
        return self._past_s + self.waited_here_s

    @property
    def waited_here_s(self) -> float:
        """What was waited in this queue; 0 outside of one."""
        return 0.0 if self._since_s is None else time.monotonic() - self._since_s

    @property
    def waited_ms(self) -> int:
        return round(1000 * self.waited_s)

    @property
    def left_s(self) -> float:
        """How much longer the request may wait, within its total deadline too; never below 0."""
        until_deadline_s = self._cancel_token.deadline_s - time.monotonic()
        return max(0.0, min(self._most_s - self.waited_s, until_deadline_s))

    @contextlib.contextmanager
    def counted(self, wake: Callable[[], None]) -> Iterator[None]:
        """Count the time of the block; `wake` is called when the caller leaves meanwhile."""
        self._since_s = time.monotonic()
        self._cancel_token.bind(wake)
        try:
            yield
        finally:
            self._cancel_token.unbind()
            self._past_s, self._since_s = self.waited_s, None
