"""Lease a provider for one request: choose a credential, and wait for a slot where all are taken."""

import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType

from django.conf import settings

from gateway.providers.base import Provider
from gateway.providers.errors import ProviderError, ProviderRateLimited
from gateway.providers.tick import TICK, Tick
from gateway.upstreams.pool import PooledCredential, PoolUnavailable
from gateway.upstreams.providers import is_sandboxed, usable
from gateway.upstreams.sandboxed import sandboxed
from gateway.upstreams.slots.memory_store import MemorySlots
from gateway.upstreams.slots.queue_wait import QueueWait
from gateway.upstreams.slots.redis_store import RedisSlots
from gateway.upstreams.slots.shared_slots import SharedSlots
from gateway.upstreams.slots.store import SlotRequest, SlotStore
from infra import metrics
from infra.short_lock import ShortLock

PATIENCE_S = 2.0
"""How long a request waits at a provider while another that may answer it has a slot free."""
RETRY_AFTER_S = 5.0
"""When a request that waited in vain may be repeated."""
LOOK_S = 1.0
"""How often a waiting request yields a tick, so that its reader can see whether the caller is there."""
SANDBOX = "sandbox"

_lock = ShortLock()
_running: Counter[str] = Counter()
_stores: dict[tuple[str, str, int], SlotStore] = {}


@dataclass(frozen=True, slots=True)
class Slot:
    """A provider ready for one request; `credential` is the name of the credential it uses."""

    provider: Provider
    credential: str


class SlotElsewhere(Exception):
    """Every slot is taken, and another `provider` that may be asked has one free."""

    def __init__(self, provider: str) -> None:
        super().__init__(f"{provider} has a slot free.")
        self.provider = provider


class SlotGuard(contextlib.AbstractContextManager[Slot]):
    """A lease that is released at the end of the block."""

    def __init__(self, slot: Slot, give_back: Callable[[], None]) -> None:
        self._slot = slot
        self._give_back = give_back

    def __enter__(self) -> Slot:
        return self._slot

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._give_back()


def leased(
    slug: str,
    *,
    account_id: int,
    is_test: bool,
    queue: QueueWait,
    exclude: frozenset[str] = frozenset(),
) -> Generator[Tick, None, contextlib.AbstractContextManager[Slot]]:
    """Yield ticks while a slot of the provider is waited for, then return it as a context manager.

    `exclude` names credentials that are not to be used. Raises ProviderRateLimited when no slot comes
    while `queue` lets it wait, SlotElsewhere when one of its `others` has a slot free after PATIENCE_S,
    ProviderAuthError when no credential may be used.
    """
    if is_sandboxed(is_test=is_test):
        return contextlib.nullcontext(Slot(sandboxed(slug), SANDBOX))
    adapters = usable(slug, exclude=exclude)
    slots = _caps(adapters)
    if slots is None:
        return _uncapped([one for one in adapters if one.slots is None], adapters)
    return (yield from _with_slot(slug, account_id, adapters, slots, queue))


def has_free_slot(slug: str) -> bool:
    """Say whether a request of a live key would be granted a slot of the provider at once."""
    try:
        slots = _caps(usable(slug))
    except (ProviderError, PoolUnavailable):
        return False
    return slots is None or _store_of(slug).has_room(slots)


def _uncapped(
    credentials: list[PooledCredential], adapters: Mapping[PooledCredential, Provider]
) -> SlotGuard:
    """Use the credential with the fewest requests of this process; no store is needed."""
    with _lock:
        chosen = min(credentials, key=lambda credential: _running[credential.id])
        _running[chosen.id] += 1

    def give_back() -> None:
        with _lock:
            _running[chosen.id] -= 1

    return SlotGuard(Slot(adapters[chosen], chosen.name), give_back)


def _with_slot(
    slug: str,
    account_id: int,
    adapters: Mapping[PooledCredential, Provider],
    slots: Mapping[str, int],
    queue: QueueWait,
) -> Generator[Tick, None, SlotGuard]:
    by_id = {credential.id: credential for credential in adapters}
    slot_request = SlotRequest(account_id, slots)
    store = _store_of(slug)
    try:
        with queue.counted(slot_request.wake):
            store.enter(slot_request)
            with _counted_in_queue(slug, slot_request):
                while not slot_request.wait(min(LOOK_S, queue.left_s)):
                    if not queue.left_s:
                        raise ProviderRateLimited(
                            "Every slot of the provider is taken.",
                            provider=slug,
                            retry_after_s=RETRY_AFTER_S,
                        )
                    if queue.waited_here_s >= PATIENCE_S:
                        _look_elsewhere(queue.others)
                    yield TICK
    except BaseException:
        store.leave(slot_request)
        raise
    chosen = by_id[slot_request.credential or ""]
    slot = Slot(adapters[chosen], chosen.name)
    return SlotGuard(slot, functools.partial(store.leave, slot_request))


@contextlib.contextmanager
def _counted_in_queue(slug: str, slot_request: SlotRequest) -> Iterator[None]:
    """Count the request as waiting, unless it has its slot already."""
    if slot_request.credential is not None:
        yield
        return
    depth = metrics.QUEUE_DEPTH.labels(slug)
    depth.inc()
    try:
        yield
    finally:
        depth.dec()


def _look_elsewhere(others: Iterable[str]) -> None:
    """Raises SlotElsewhere where one of these providers has a slot free."""
    for other in others:
        if has_free_slot(other):
            raise SlotElsewhere(other)


def _caps(credentials: Iterable[PooledCredential]) -> Mapping[str, int] | None:
    """Return the slots of each credential by its id; None where one of them has no cap."""
    caps = {credential.id: credential.slots for credential in credentials}
    known = {identity: slots for identity, slots in caps.items() if slots is not None}
    return known if len(known) == len(caps) else None


def _store_of(slug: str) -> SlotStore:
    return _store(slug, settings.REDIS_URL, settings.WEB_CONCURRENCY)


def _store(slug: str, redis_url: str, processes: int) -> SlotStore:
    """Return the store of this process; concurrent first calls get the same one."""
    key = slug, redis_url, processes
    return _stores.get(key) or _stores.setdefault(key, _made(*key))


def _made(slug: str, redis_url: str, processes: int) -> SlotStore:
    if not redis_url:
        return MemorySlots()
    return SharedSlots(slug, _redis(redis_url), processes=processes)


@functools.lru_cache(maxsize=2)
def _redis(url: str) -> RedisSlots:
    return RedisSlots(url)
