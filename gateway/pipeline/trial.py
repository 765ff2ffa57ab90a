"""One candidate asked once: a place, a lease, leave to ask, and then its answer."""

from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from gateway import upstreams
from gateway.catalog import Route
from gateway.health import monitor
from gateway.health.monitor import NotNow
from gateway.pipeline.bulkhead import Crowded, bulkhead
from gateway.pipeline.observation import Watch
from gateway.providers.base import Provider
from gateway.providers.chat_types import ChatChunk
from gateway.providers.errors import ProviderError, ProviderRateLimited

MOST_LEASES = 3
"""How often another credential is asked for, where the one that was leased is being tried by somebody."""
CROWDED_RETRY_S = 1.0

T = TypeVar("T")


class NotAsked(Exception):
    """Nothing was sent, and the next candidate may be tried at no cost; `reason` is for the caller."""

    def __init__(self, reason: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class Trial(Generic[T]):
    """Iterate over `chunks`: ticks while a slot is waited for, then what `run` yields.

    `was_asked` says whether `run` was begun; `credential` names what it was begun with. `avoid` names
    the credentials that have been tried already.
    """

    def __init__(
        self,
        route: Route,
        run: Callable[[Provider, Watch | None], Generator[T, None, None]],
        *,
        account_id: int,
        is_test: bool,
        avoid: frozenset[str] = frozenset(),
    ) -> None:
        self._route = route
        self._begin = run
        self._account_id = account_id
        self._is_test = is_test
        self._avoid = avoid
        self.was_asked = False
        self.credential = ""
        self.chunks = self._run()

    def _run(self) -> Generator[ChatChunk | T, None, None]:
        """Raises NotAsked, and what `run` raises; ProviderRateLimited also of a slot that never came."""
        try:
            with bulkhead.place(self._route.provider, is_test=self._is_test):
                yield from self._with_lease()
        except Crowded as error:
            raise NotAsked(
                "it has half of this worker already", retry_after_s=CROWDED_RETRY_S
            ) from error

    def _with_lease(self) -> Generator[ChatChunk | T, None, None]:
        provider = self._route.provider
        refusal = NotAsked("its credentials are being tried")
        for _ in range(MOST_LEASES):
            try:
                with monitor.avoiding(self._avoid):
                    leasing = yield from upstreams.leased(
                        provider, account_id=self._account_id, is_test=self._is_test
                    )
            except ProviderRateLimited:
                raise
            except ProviderError as error:
                raise NotAsked("it has no credential that works") from error
            with leasing as lease:
                if lease.credential in self._avoid:
                    raise NotAsked("it has no other credential")
                try:
                    watch = self._entered(lease.credential)
                except NotNow as error:
                    refusal = self._refusal(error)
                    if error.what == "credential":
                        continue
                    raise refusal from error
                self.was_asked, self.credential = True, lease.credential
                yield from self._begin(lease.provider, watch)
                return
        raise refusal

    def _entered(self, credential: str) -> Watch | None:
        """Get leave to ask. Nobody watches what test keys make the sandbox do. Raises NotNow."""
        if self._is_test:
            return None
        provider, upstream_id = self._route.provider, self._route.upstream_id
        watching = monitor.current()
        if upstreams.is_sandboxed(is_test=False):
            return Watch(provider, credential, upstream_id, watching.note, is_counted=False)
        probes = watching.enter(provider, credential, upstream_id)
        return Watch(provider, credential, upstream_id, watching.note, probes)

    def _refusal(self, error: NotNow) -> NotAsked:
        if error.what == "busy":
            raise ProviderRateLimited(
                "the provider is over its limit", provider=self._route.provider, retry_after_s=1.0
            ) from error
        return NotAsked(
            f"its {error.what} rests after failures", retry_after_s=error.rest_ms / 1000
        )
