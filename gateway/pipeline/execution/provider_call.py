"""Ask one candidate once: take a place, a slot and the breaker's permission, then stream its answer."""

from collections import Counter
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from django.conf import settings

from gateway import upstreams
from gateway.catalog.snapshot import CatalogRoute
from gateway.health import monitor
from gateway.health.monitor import CircuitOpen
from gateway.pipeline.execution.observation import AttemptWatch
from gateway.providers.base import Provider
from gateway.providers.errors import ProviderError, ProviderRateLimited
from gateway.providers.tick import Tick
from infra.short_lock import ShortLock

LEAST_PLACES = 2
MAX_SLOTS_TRIED = 3
"""How many credentials are asked for, where the one that was leased is another request's probe."""
BULKHEAD_FULL_RETRY_S = 1.0

T = TypeVar("T")


class AttemptSkipped(Exception):
    """Nothing was sent, so the next candidate costs no attempt. `reason` is shown to the caller."""

    def __init__(self, reason: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class ShareTaken(AttemptSkipped):
    """The provider has its whole share of this process."""


class BulkheadFull(Exception):
    """The provider has taken half of the worker's places already."""


class Bulkhead:
    """Limits each provider to half of a worker, so that a silent one leaves room for the others."""

    def __init__(self, capacity: int) -> None:
        self._places = max(LEAST_PLACES, capacity // 2)
        self._lock = ShortLock()
        self._taken: Counter[tuple[str, bool]] = Counter()

    def place(self, provider: str, *, is_test: bool) -> "Place":
        """Return a place to hold."""
        return Place(self, provider, is_test)

    def take(self, provider: str, is_test: bool) -> None:
        """Take a place. Raises BulkheadFull, unless there is no other provider to keep places for."""
        key = provider, is_test
        with self._lock:
            if self._taken[key] < self._places:
                self._taken[key] += 1
                return
        if len(upstreams.served(is_test=is_test)) > 1:
            raise BulkheadFull
        with self._lock:
            self._taken[key] += 1

    def give_back(self, provider: str, is_test: bool) -> None:
        with self._lock:
            self._taken[provider, is_test] -= 1


class Place:
    """A place that is held within a `with`. Raises BulkheadFull at its beginning."""

    __slots__ = ("_bulkhead", "_is_test", "_provider")

    def __init__(self, bulkhead: Bulkhead, provider: str, is_test: bool) -> None:
        self._bulkhead = bulkhead
        self._provider = provider
        self._is_test = is_test

    def __enter__(self) -> None:
        self._bulkhead.take(self._provider, self._is_test)

    def __exit__(self, *failure: object) -> None:
        self._bulkhead.give_back(self._provider, self._is_test)


bulkhead = Bulkhead(settings.WORKER_CAPACITY)


class ProviderCall(Generic[T]):
    """Iterate over `chunks`: ticks while waiting for a slot, then what `run` yields.

    `was_asked` says whether `run` has begun, `credential` with which one. `avoid` names the credentials
    that have been refused already.
    """

    def __init__(
        self,
        route: CatalogRoute,
        run: Callable[[Provider, AttemptWatch | None], Generator[Tick | T, None, None]],
        *,
        account_id: int,
        is_test: bool,
        queue: upstreams.QueueWait,
        avoid: frozenset[str] = frozenset(),
    ) -> None:
        self._route = route
        self._begin = run
        self._account_id = account_id
        self._is_test = is_test
        self._queue = queue
        self._avoid = avoid
        self.was_asked = False
        self.credential = ""
        self.chunks = self._run()

    def _run(self) -> Generator[Tick | T, None, None]:
        """Yield the ticks of the wait, then what `run` yields.

        Raises AttemptSkipped, ShareTaken for want of a place, what `run` raises, ProviderRateLimited where no
        slot came free in time, and SlotElsewhere where another provider has one.
        """
        try:
            with bulkhead.place(self._route.provider, is_test=self._is_test):
                yield from self._with_slot()
        except BulkheadFull as error:
            raise ShareTaken(
                "it has half of this worker already", retry_after_s=BULKHEAD_FULL_RETRY_S
            ) from error

    def _with_slot(self) -> Generator[Tick | T, None, None]:
        provider = self._route.provider
        refusal = AttemptSkipped("its credentials are being tried")
        for _ in range(MAX_SLOTS_TRIED):
            try:
                guard = yield from upstreams.leased(
                    provider,
                    account_id=self._account_id,
                    is_test=self._is_test,
                    queue=self._queue,
                    exclude=self._avoid,
                )
            except ProviderRateLimited:
                raise
            except ProviderError as error:
                raise AttemptSkipped("it has no credential that works") from error
            with guard as slot:
                if slot.credential in self._avoid:
                    raise AttemptSkipped("it has no other credential")
                try:
                    watch = self._entered(slot.credential)
                except CircuitOpen as error:
                    refusal = self._refusal(error)
                    if error.what == "credential":
                        continue
                    raise refusal from error
                self.was_asked, self.credential = True, slot.credential
                yield from self._begin(slot.provider, watch)
                return
        raise refusal

    def _entered(self, credential: str) -> AttemptWatch | None:
        """Ask the breakers for permission. Requests of test keys are not watched. Raises CircuitOpen."""
        if self._is_test:
            return None
        provider, upstream_id = self._route.provider, self._route.upstream_id
        watching = monitor.current()
        if upstreams.is_sandboxed(is_test=False):
            return AttemptWatch(provider, credential, upstream_id, watching.note, is_counted=False)
        probes = watching.enter(provider, credential, upstream_id)
        return AttemptWatch(provider, credential, upstream_id, watching.note, probes)

    def _refusal(self, error: CircuitOpen) -> AttemptSkipped:
        if error.what == "busy":
            raise ProviderRateLimited(
                "the provider is over its limit", provider=self._route.provider, retry_after_s=1.0
            ) from error
        return AttemptSkipped(
            f"its {error.what} rests after failures", retry_after_s=error.rest_ms / 1000
        )
