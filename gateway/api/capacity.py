"""How many requests to models this worker runs at once; what is too much is refused, not queued.

Two limits: of those that run, and of those that are being admitted. The second follows a measured lag, the
time that an admission takes: it is short unless the event loop or a store is behind, and then each further
request would only make all of them later, the running streams too.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from django.conf import settings

from gateway.api.errors import Overloaded
from infra.short_lock import ShortLock

ADMISSION_S = 0.5
"""How long an admission may take, its wait for a turn included; a hold is given up after 0.9 s."""
USUAL_PLACES = 1000
ADMISSION_PER_PLACE_S = 0.001
"""How much longer for each request more that the worker may carry: that many at once are no overload yet."""
ADMISSION_PER_STREAM_S = 0.002
"""How much longer beside each running stream: a turn of the event loop serves them all, one after another."""
STANDING_S = 1.0
"""How long admissions must be late before the limit shrinks, so that a burst is served."""
CALM_S = 5.0
"""For so long after the limit has shrunk, late admissions count at once."""
PAUSE_S = 0.25
SHRINKING = 0.75
GROWTH_A_SECOND = 1.3
LONG_AGO_S = 60.0
"""A pause after which nothing is left of an earlier limit."""
FEWEST_ADMITTED = 64
ADMITTED_AT_ONCE = 64
"""The others wait, before a store is asked: there each would wait against a time-out.

Who came first goes first. A semaphore would let a newcomer pass those who wait, whose admissions then take
for ever while those of newcomers, and so the measured lag, stay short.
"""


class Capacity:
    """Counts running requests, those of them that have begun to stream, and those being admitted.

    A request runs within a `with`.
    """

    def __init__(self, ceiling: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ceiling = ceiling
        self._patience_s = ADMISSION_S + ADMISSION_PER_PLACE_S * max(0, ceiling - USUAL_PLACES)
        self._clock = clock
        self._lock = ShortLock()
        self._admission_limit = float(ceiling)
        self._late_since_s: float | None = None
        self._in_turn = 0
        self._waiting: deque[threading.Event] = deque()
        self._shrunk_s = self._grown_s = float("-inf")
        self.running = 0
        self.streams = 0
        self.admitting = 0

    @property
    def is_full(self) -> bool:
        """Whether a new request would find no place, or make those that run late."""
        return self.running >= self._ceiling or self.admitting >= self._admission_limit

    def refuse_early(self) -> None:
        """Raise Overloaded where the worker is full: asked before anything is done for a request."""
        if self.is_full:
            raise Overloaded

    def __enter__(self) -> None:
        """Count a request that runs. Raises Overloaded when the worker is full."""
        with self._lock:
            if self.running >= self._ceiling:
                raise Overloaded
            self.running += 1

    def __exit__(self, *failure: object) -> None:
        with self._lock:
            self.running -= 1

    def begin_stream(self) -> None:
        """Count a running request as a stream."""
        with self._lock:
            self.streams += 1

    def end_stream(self) -> None:
        with self._lock:
            self.streams -= 1

    def admission(self) -> "Admitting":
        """Return what measures an admission, within a `with`."""
        return Admitting(self, self._clock)

    def begin_admission(self) -> None:
        """Count an admission, and wait for its turn."""
        with self._lock:
            self.admitting += 1
            if self._in_turn < ADMITTED_AT_ONCE:
                self._in_turn += 1
                return
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            turn.wait()
        except BaseException:
            with self._lock:
                self.admitting -= 1
                if turn.is_set():
                    self._end_turn()
                else:
                    self._waiting.remove(turn)
            raise

    def end_admission(self, took_s: float) -> None:
        """Count an admission as done, and adapt the limit to how long it took, the wait included."""
        now_s = self._clock()
        with self._lock:
            self._end_turn()
            if took_s > self._patience_s + ADMISSION_PER_STREAM_S * self.streams:
                self._shrink_when_late(now_s)
            elif self._admission_limit < self._ceiling:
                self._late_since_s = None
                growth = GROWTH_A_SECOND ** min(now_s - self._grown_s, LONG_AGO_S)
                self._admission_limit = min(self._ceiling, growth * self._admission_limit)
                self._grown_s = now_s
            else:
                self._late_since_s = None
            self.admitting -= 1

    def _end_turn(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._in_turn -= 1

    def _shrink_when_late(self, now_s: float) -> None:
        if self._late_since_s is None:
            self._late_since_s = now_s
        stands = now_s - self._late_since_s >= STANDING_S or now_s - self._shrunk_s < CALM_S
        if stands and now_s - self._shrunk_s >= PAUSE_S:
            fewer = SHRINKING * min(self._admission_limit, self.admitting)
            self._admission_limit = max(FEWEST_ADMITTED, fewer)
            self._shrunk_s = self._grown_s = now_s


class Admitting:
    """Counts an admission while it lasts, and tells how long that was."""

    __slots__ = ("_began_s", "_capacity", "_clock")

    def __init__(self, capacity: Capacity, clock: Callable[[], float]) -> None:
        self._capacity = capacity
        self._clock = clock

    def __enter__(self) -> None:
        self._began_s = self._clock()
        self._capacity.begin_admission()

    def __exit__(self, *failure: object) -> None:
        self._capacity.end_admission(self._clock() - self._began_s)


capacity = Capacity(settings.WORKER_CAPACITY)
