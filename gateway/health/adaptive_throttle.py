"""Withhold some requests from a credential whose provider answers "too many requests" (429).

Google's client throttle: when it takes fewer than half of the requests, the surplus is refused here, until
it has refused none itself for a moment.
"""

import random
import time
from collections.abc import Callable

from infra.short_lock import ShortLock

SPAN_S = 10.0
"""The throttle looks back between one and two spans."""
LEAST_BUSY = 10
LULL_S = 1.0
"""When nothing was refused with 429 for so long, the throttle lets all pass: the provider may be back."""
ACCEPTED_WEIGHT = 2
MOST_REFUSED = 0.9
"""Some requests must pass, to notice that it is over."""


class AdaptiveThrottle:
    """The throttle of this process. `draw` returns random numbers from 0 to 1."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._draw = draw
        self._lock = ShortLock()
        self._span = 0
        self._now: dict[str, list[int]] = {}
        self._before: dict[str, list[int]] = {}
        self._busy_at_s: dict[str, float] = {}

    def note(self, part: str, *, is_busy: bool) -> None:
        """Count a request that was answered, or refused with 429."""
        with self._lock:
            self._turn()
            counts = self._now.setdefault(part, [0, 0])
            counts[0] += 1
            if is_busy:
                counts[1] += 1
                self._busy_at_s[part] = self._clock()

    def should_throttle(self, part: str) -> bool:
        """Say whether this request should be withheld."""
        if not self._now and not self._before:
            return False
        with self._lock:
            self._turn()
            spans = [counts[part] for counts in (self._now, self._before) if part in counts]
        asked, busy = (sum(counts) for counts in zip(*spans, strict=True)) if spans else (0, 0)
        if busy < LEAST_BUSY or self._clock() - self._busy_at_s[part] >= LULL_S:
            return False
        surplus = (asked - ACCEPTED_WEIGHT * (asked - busy)) / (asked + 1)
        return self._draw() < min(MOST_REFUSED, surplus)

    def _turn(self) -> None:
        span = int(self._clock() / SPAN_S)
        if span != self._span:
            self._before = self._now if span == self._span + 1 else {}
            self._now, self._span = {}, span
