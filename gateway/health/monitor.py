"""The health of providers as this process sees it: it notes what came of requests, and says who may be asked.

Everything is answered from memory. With Redis a thread exchanges, once a second and at once after a
failure, what was noted here for what all processes know; without it this process knows for itself.
"""

import contextlib
import contextvars
import functools
import logging
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence

from django.conf import settings
from django.utils import timezone

from gateway.health.alerts import Alerts
from gateway.health.board import Board
from gateway.health.events import (
    Kind,
    Note,
    credential_part,
    provider_part,
    route_part,
)
from gateway.health.pacing import Pacing
from gateway.health.routes import RouteState
from gateway.health.status import ProviderStatus, judged
from gateway.health.store_redis import HealthStoreAway, RedisHealth
from gateway.health.windows import Measured

TICK_S = 1.0
URGENT_PAUSE_S = 0.02
"""The least time between two exchanges, however many failures there are."""
_URGENT: frozenset[Kind] = frozenset({"answered", "failed", "refused", "busy"})

_avoided: contextvars.ContextVar[frozenset[str]] = contextvars.ContextVar("avoided")

logger = logging.getLogger(__name__)


class NotNow(Exception):
    """Nobody may ask: the route or the credential rests or is being tried, or is spared some requests."""

    def __init__(self, what: str, rest_ms: int) -> None:
        super().__init__(what)
        self.what = what
        self.rest_ms = rest_ms


class Monitor:
    """One for each process. `store` None: nobody else knows anything."""

    def __init__(self, store: RedisHealth | None) -> None:
        self._store = store
        self._board = Board()
        self._lock = threading.Lock()
        self._exchanging = threading.Lock()
        self._pending: list[Note] = []
        self._held: dict[str, str] = {}
        self._is_due = threading.Event()
        self._is_over = False
        self._thread: threading.Thread | None = None
        self._pacing = Pacing()
        self._alerts = Alerts(self._is_first)

    def route(self, provider: str, upstream_id: str) -> RouteState:
        """Return how a route is."""
        self._ensure_running()
        now_ms = self._board.now_ms()
        part = route_part(provider, upstream_id)
        breaker = self._board.breaker(part)
        credentials = self._credentials(provider)
        return RouteState(
            rest_ms=self._rest_ms(part),
            is_trial=breaker.is_open,
            is_shaky=breaker.is_shaky(now_ms),
            is_busy=bool(credentials)
            and all(self._board.breaker(one).is_busy(now_ms) for one in credentials),
            has_credentials=not credentials or not all(map(self._rest_ms, credentials)),
        )

    def measured(self, provider: str, upstream_id: str) -> Measured:
        """Return what a route has done in the last minutes."""
        return self._board.measured(route_part(provider, upstream_id))

    def enter(
        self, provider: str, credential: str, upstream_id: str
    ) -> tuple[tuple[str, str], ...]:
        """Let one request pass; return the probes that it is, with their tokens. Raises NotNow."""
        self._ensure_running()
        spared = credential_part(provider, credential)
        if self._pacing.is_spared(spared):
            raise NotNow("busy", 1000)
        wanted = []
        for what, part in (("credential", spared), ("route", route_part(provider, upstream_id))):
            if rest_ms := self._rest_ms(part):
                raise NotNow(what, rest_ms)
            if self._board.breaker(part).is_open:
                wanted.append(part)
        return self._claim(wanted) if wanted else ()

    def note(self, note: Note) -> None:
        """Book what came of a request; its probes are given back."""
        self._ensure_running()
        with self._lock:
            self._board.apply(note)
            if self._store is not None:
                self._pending.append(note)
            for part, _ in note.probes:
                self._held.pop(part, None)
        if note.is_counted:
            if note.kind in ("finished", "busy"):
                self._pacing.note(
                    credential_part(note.provider, note.credential), is_busy=note.kind == "busy"
                )
            self._alerts.note(note)
        if note.kind in _URGENT:
            self._is_due.set()

    def blocked_credentials(self, provider: str) -> frozenset[str]:
        """Return the credentials that may not be used now."""
        self._ensure_running()
        prefix = credential_part(provider, "")
        blocked = filter(self._rest_ms, self._credentials(provider))
        return frozenset(part.removeprefix(prefix) for part in blocked)

    def status(self, providers: Iterable[str]) -> list[ProviderStatus]:
        """Judge providers by the last minutes."""
        self._ensure_running()
        at = timezone.now()
        return [
            judged(
                provider,
                self._board.measured(provider_part(provider)),
                routes=self._are_open(self._board.parts(route_part(provider, ""))),
                credentials=self._are_open(self._credentials(provider)),
                at=at,
            )
            for provider in sorted(providers)
        ]

    def exchange(self, *, wanted: Sequence[str] = (), token: str = "") -> bool | None:
        """Send what was noted and take over what all know; say whether the probes `wanted` are taken.

        None: Redis is away, and this process goes by what it knows itself.
        """
        if self._store is None:
            return None
        with self._exchanging:
            with self._lock:
                notes, self._pending = self._pending, []
            try:
                shared = self._store.exchange(
                    notes,
                    wanted=wanted,
                    token=token,
                    held=list(self._held.items()),
                    has_windows=not wanted,
                )
            except HealthStoreAway:
                return None
            with self._lock:
                windows = None if wanted else shared.windows
                self._board.load(shared.now_ms, shared.breakers, windows)
                for note in self._pending:
                    self._board.apply(note)
        return shared.is_granted

    def stop(self) -> None:
        """End the thread, and go on alone; what was noted last may be lost to the others."""
        self._is_over = True
        self._is_due.set()
        if self._thread is not None:
            self._thread.join()
        if self._store is not None:
            self._store.close()

    def _claim(self, wanted: Sequence[str]) -> tuple[tuple[str, str], ...]:
        token = uuid.uuid4().hex
        with self._lock:  # nobody of this process may ask meanwhile
            if not self._held.keys().isdisjoint(wanted):
                raise NotNow("route", 1000)
            self._held |= dict.fromkeys(wanted, token)
        is_granted = self.exchange(wanted=wanted, token=token)
        if is_granted is None:
            with self._lock:
                is_granted = self._board.claim(wanted, token)
        if not is_granted:
            for part in wanted:
                self._held.pop(part, None)
            raise NotNow("route", max(map(self._rest_ms, wanted)) or 1000)
        return tuple((part, token) for part in wanted)

    def _rest_ms(self, part: str) -> int:
        """Return how long a part may not be used; a probe of this process's own lasts a second more."""
        return self._board.breaker(part).rest_ms(self._board.now_ms()) or 1000 * (
            part in self._held
        )

    def _credentials(self, provider: str) -> list[str]:
        return self._board.parts(credential_part(provider, ""))

    def _are_open(self, parts: Sequence[str]) -> list[bool]:
        return [self._board.breaker(part).is_open for part in parts]

    def _is_first(self, name: str, life_s: int) -> bool:
        if self._store is not None:
            try:
                return self._store.is_first(name, life_s)
            except HealthStoreAway:
                return True
        return True

    def _ensure_running(self) -> None:
        """Start the thread; who comes first waits for what the others know."""
        if self._store is None or (self._thread is not None and self._thread.is_alive()):
            return
        with self._lock:
            if self._is_over or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name="health", daemon=True)
            self._thread.start()
        self.exchange()

    def _run(self) -> None:
        while not self._is_over:
            self._is_due.wait(TICK_S)
            self._is_due.clear()
            try:
                self.exchange()
            except Exception:
                logger.exception("Health was not exchanged.")
            time.sleep(URGENT_PAUSE_S)


@functools.lru_cache(maxsize=2)
def _monitor(redis_url: str) -> Monitor:
    return Monitor(RedisHealth(redis_url) if redis_url else None)


def current() -> Monitor:
    """Return this process's monitor."""
    return _monitor(settings.REDIS_URL)


def forget() -> None:
    """Begin anew, as if nobody had been asked yet."""
    current().stop()
    _monitor.cache_clear()


@contextlib.contextmanager
def avoiding(credentials: frozenset[str]) -> Iterator[None]:
    """Have `blocked_credentials` name these too: what is done here has tried them already."""
    before = _avoided.get(frozenset())
    _avoided.set(credentials)
    try:
        yield
    finally:
        _avoided.set(before)


def blocked_credentials(provider: str) -> frozenset[str]:
    """Return the names of a provider's credentials that may not be used now."""
    return current().blocked_credentials(provider) | _avoided.get(frozenset())
