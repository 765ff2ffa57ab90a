"""The health of providers: records the outcome of requests, and says which route and credential may be used.

Everything is answered from memory. With Redis a thread sends this process's outcomes and loads those of
all, once a second and at once after a failure; without it each process goes by its own.
"""

import functools
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from django.conf import settings
from django.utils import timezone

from gateway.health.adaptive_throttle import AdaptiveThrottle
from gateway.health.alerts import Alerts
from gateway.health.breaker import Breaker
from gateway.health.events import (
    Kind,
    Note,
    credential_part,
    provider_part,
    route_part,
)
from gateway.health.health_state import HealthState
from gateway.health.routes import RouteState
from gateway.health.status import ProviderStatus, judged
from gateway.health.store_redis import HealthStoreAway, RedisHealth
from gateway.health.windows import Measured
from infra import metrics
from infra.background import Background
from infra.short_lock import ShortLock

TICK_S = 1.0
URGENT_PAUSE_S = 0.02
"""The least time between two exchanges, however many failures there are."""
_URGENT: frozenset[Kind] = frozenset({"answered", "failed", "refused", "busy"})


BreakerState = Literal["closed", "half_open", "open"]


class CircuitOpen(Exception):
    """The request may not be sent: its route or credential rests, is being probed, or is throttled."""

    def __init__(self, what: str, rest_ms: int) -> None:
        super().__init__(what)
        self.what = what
        self.rest_ms = rest_ms


class Monitor:
    """One for each process. `store` None: nothing is shared with other processes."""

    def __init__(self, store: RedisHealth | None) -> None:
        self._store = store
        self._state = HealthState()
        self._lock = ShortLock()
        self._exchanging = threading.Lock()
        self._pending: list[Note] = []
        self._held: dict[str, str] = {}
        self._causes: dict[str, str] = {}
        self._background = Background(
            "health", self.exchange, every_s=TICK_S, pause_s=URGENT_PAUSE_S
        )
        self._throttle = AdaptiveThrottle()
        self._alerts = Alerts()

    def route(self, provider: str, upstream_id: str) -> RouteState:
        """Return the health of a route."""
        self._ensure_running()
        now_ms = self._state.now_ms()
        part = route_part(provider, upstream_id)
        breaker = self._state.breaker(part)
        credentials = self._credentials(provider, now_ms)
        return RouteState(
            rest_ms=self._rest_ms(part, breaker, now_ms),
            is_half_open=breaker.is_open,
            is_degraded=breaker.is_degraded(now_ms),
            is_busy=bool(credentials)
            and all(found.is_busy(now_ms) for found in credentials.values()),
            has_credentials=not credentials
            or not all(self._rest_ms(name, found, now_ms) for name, found in credentials.items()),
        )

    def measured(self, provider: str, upstream_id: str) -> Measured:
        """Return the figures of a route over the last minutes."""
        return self._state.measured(route_part(provider, upstream_id))

    def enter(
        self, provider: str, credential: str, upstream_id: str
    ) -> tuple[tuple[str, str], ...]:
        """Let one request pass; return the probes that it carries: part and token. Raises CircuitOpen."""
        self._ensure_running()
        throttled = credential_part(provider, credential)
        if self._throttle.should_throttle(throttled):
            raise CircuitOpen("busy", 1000)
        wanted = []
        now_ms = self._state.now_ms()
        for what, part in (("credential", throttled), ("route", route_part(provider, upstream_id))):
            breaker = self._state.breaker(part)
            if rest_ms := self._rest_ms(part, breaker, now_ms):
                raise CircuitOpen(what, rest_ms)
            if breaker.is_open:
                wanted.append(part)
        return self._claim(wanted) if wanted else ()

    def note(self, note: Note) -> None:
        """Record the outcome of a request and release its probes."""
        self._ensure_running()
        _count(note)
        if note.cause:
            self._causes[note.provider] = note.cause
        with self._lock:
            self._state.apply(note)
            if self._store is not None:
                self._pending.append(note)
            for part, _ in note.probes:
                self._held.pop(part, None)
        if note.is_counted:
            if note.kind in ("finished", "busy"):
                self._throttle.note(
                    credential_part(note.provider, note.credential), is_busy=note.kind == "busy"
                )
            self._alerts.note(note)
        if note.kind in _URGENT:
            self._background.wake()

    def blocked_credentials(self, provider: str) -> frozenset[str]:
        """Return the credentials that may not be used now."""
        self._ensure_running()
        prefix = credential_part(provider, "")
        now_ms = self._state.now_ms()
        resting = [
            part.removeprefix(prefix)
            for part, breaker in self._credentials(provider, now_ms).items()
            if self._rest_ms(part, breaker, now_ms)
        ]
        return frozenset(resting)

    def status(self, providers: Iterable[str]) -> list[ProviderStatus]:
        """Return the status of providers by their last minutes, in the order of their slugs."""
        self._ensure_running()
        at = timezone.now()
        now_ms = self._state.now_ms()
        return [
            judged(
                provider,
                self._state.measured(provider_part(provider)),
                routes=_are_open(self._state.breakers(route_part(provider, ""), now_ms)),
                credentials=_are_open(self._credentials(provider, now_ms)),
                at=at,
            )
            for provider in sorted(providers)
        ]

    def last_cause(self, provider: str) -> str:
        """Return why a request of this process to the provider failed last; "" where none has."""
        return self._causes.get(provider, "")

    def breaker_states(self) -> list[tuple[str, str, BreakerState]]:
        """Return the breakers of routes that were used lately: provider, upstream id of the model, state."""
        prefix = route_part("", "")[:-1]
        now_ms, found = self._state.now_ms(), []
        for part, breaker in self._state.breakers(prefix, now_ms).items():
            provider, _, upstream_id = part.removeprefix(prefix).partition("/")
            state: BreakerState = "closed"
            if breaker.is_open:
                state = "open" if self._rest_ms(part, breaker, now_ms) else "half_open"
            found.append((provider, upstream_id, state))
        return found

    def exchange(self, *, wanted: Sequence[str] = (), token: str = "") -> bool | None:
        """Send the recorded notes and load what all processes know; say whether `wanted` are claimed.

        `wanted` are the parts to probe. None: Redis is away, or nothing is shared.
        """
        store = self._store
        if store is None:
            return None
        with self._exchanging:
            with self._lock:
                notes, self._pending = self._pending, []
            try:
                shared = store.exchange(
                    notes,
                    wanted=wanted,
                    token=token,
                    held=list(self._held.items()),
                )
            except HealthStoreAway:
                return None
            with self._lock:
                self._state.load(shared.now_ms, shared.breakers, shared.windows)
                for note in self._pending:
                    self._state.apply(note)
        return shared.is_granted

    def stop(self) -> None:
        """End the thread and share nothing more; other processes may miss the last notes."""
        store, self._store = self._store, None
        self._background.stop()
        self._alerts.stop()
        if store is not None:
            store.close()

    def _claim(self, wanted: Sequence[str]) -> tuple[tuple[str, str], ...]:
        token = uuid.uuid4().hex
        with self._lock:  # only one request of this process may probe
            if not self._held.keys().isdisjoint(wanted):
                raise CircuitOpen("route", 1000)
            self._held |= dict.fromkeys(wanted, token)
        is_granted = self.exchange(wanted=wanted, token=token)
        if is_granted is None:
            with self._lock:
                is_granted = self._state.claim(wanted, token)
        if not is_granted:
            for part in wanted:
                self._held.pop(part, None)
            now_ms = self._state.now_ms()
            rests_ms = (self._rest_ms(part, self._state.breaker(part), now_ms) for part in wanted)
            raise CircuitOpen("route", max(rests_ms) or 1000)
        return tuple((part, token) for part in wanted)

    def _rest_ms(self, part: str, breaker: Breaker, now_ms: int) -> int:
        """Return how long a part may not be used; a second while this process probes it."""
        return breaker.rest_ms(now_ms) or 1000 * (part in self._held)

    def _credentials(self, provider: str, now_ms: int) -> dict[str, Breaker]:
        return self._state.breakers(credential_part(provider, ""), now_ms)

    def _ensure_running(self) -> None:
        """Start the thread; the first caller waits for the state of the other processes."""
        if self._store is not None and self._background.ensure_running():
            self.exchange()


_outcomes = functools.cache(metrics.UPSTREAM_OUTCOMES.labels)
_latency = functools.cache(metrics.UPSTREAM_LATENCY.labels)


def _count(note: Note) -> None:
    _outcomes(note.provider, note.kind).inc()
    if note.first_ms is not None:
        _latency(note.provider).observe(note.first_ms / 1000)


def _are_open(breakers: Mapping[str, Breaker]) -> list[bool]:
    return [breaker.is_open for breaker in breakers.values()]


@functools.lru_cache(maxsize=2)
def _monitor(redis_url: str) -> Monitor:
    return Monitor(RedisHealth(redis_url) if redis_url else None)


def current() -> Monitor:
    """Return this process's monitor."""
    return _monitor(settings.REDIS_URL)


def reset() -> None:
    """Forget everything: the next caller gets a new monitor."""
    current().stop()
    _monitor.cache_clear()
