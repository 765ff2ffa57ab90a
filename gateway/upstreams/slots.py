"""Leases on upstream slots: which credential a request uses, and how it waits for one that has room."""

import contextlib
import functools
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from types import TracebackType

from django.conf import settings

from gateway.providers.base import Provider
from gateway.providers.chat_types import TICK, ChatChunk
from gateway.providers.errors import ProviderRateLimited
from gateway.upstreams.pool import Credential
from gateway.upstreams.providers import is_sandboxed, usable
from gateway.upstreams.sandboxed import sandboxed
from gateway.upstreams.shared_slots import SharedSlots
from gateway.upstreams.slot_store import SlotStore, Ticket
from gateway.upstreams.slot_store_memory import MemorySlots
from gateway.upstreams.slot_store_redis import RedisSlots

WAIT_S = 5.0
"""How long a slot is waited for; then the next candidate is asked, or the caller is told to come later."""
LOOK_S = 1.0
"""How often who waits lets its reader look whether the caller is still there."""
SANDBOX = "sandbox"

_lock = threading.Lock()
_running: Counter[str] = Counter()
_stores: dict[tuple[str, str, int], SlotStore] = {}


@dataclass(frozen=True, slots=True)
class Lease:
    """A provider that may be asked now; `credential` names which of its credentials is used."""

    provider: Provider
    credential: str


class Leasing(contextlib.AbstractContextManager[Lease]):
    """A lease that is given back at the end of the block."""

    def __init__(self, lease: Lease, give_back: Callable[[], None]) -> None:
        self._lease = lease
        self._give_back = give_back

    def __enter__(self) -> Lease:
        return self._lease

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._give_back()


def leased(
    slug: str, *, account_id: int, is_test: bool
) -> Generator[ChatChunk, None, contextlib.AbstractContextManager[Lease]]:
    """Yield ticks while a slot of the provider is waited for, then return it, to be given back.

    Raises ProviderRateLimited when none comes in WAIT_S, ProviderAuthError when no credential works.
    """
    if is_sandboxed(is_test=is_test):
        return contextlib.nullcontext(Lease(sandboxed(slug), SANDBOX))
    adapters = usable(slug)
    uncapped = [credential for credential in adapters if credential.slots is None]
    if uncapped:
        return _uncapped(uncapped, adapters)
    return (yield from _with_slot(slug, account_id, adapters))


def _uncapped(credentials: list[Credential], adapters: Mapping[Credential, Provider]) -> Leasing:
    """Use the one with the fewest requests of this process; no store is asked."""
    with _lock:
        chosen = min(credentials, key=lambda credential: _running[credential.id])
        _running[chosen.id] += 1

    def give_back() -> None:
        with _lock:
            _running[chosen.id] -= 1

    return Leasing(Lease(adapters[chosen], chosen.name), give_back)


def _with_slot(
    slug: str, account_id: int, adapters: Mapping[Credential, Provider]
) -> Generator[ChatChunk, None, Leasing]:
    by_id = {credential.id: credential for credential in adapters}
    slots = {one.id: one.slots for one in adapters if one.slots is not None}
    ticket = Ticket(account_id, slots)
    store = _store(slug, settings.REDIS_URL, settings.WEB_CONCURRENCY)
    give_up_s = time.monotonic() + WAIT_S
    try:
        store.enter(ticket)
        while not ticket.wait(max(0.0, min(LOOK_S, give_up_s - time.monotonic()))):
            if time.monotonic() >= give_up_s:
                raise ProviderRateLimited(
                    "Every slot of the provider is taken.", provider=slug, retry_after_s=WAIT_S
                )
            yield TICK
    except BaseException:
        store.leave(ticket)
        raise
    chosen = by_id[ticket.credential or ""]
    lease = Lease(adapters[chosen], chosen.name)
    return Leasing(lease, functools.partial(store.leave, ticket))


def _store(slug: str, redis_url: str, processes: int) -> SlotStore:
    """Return the process's store, the same one to all who ask for the first time at once."""
    key = slug, redis_url, processes
    return _stores.get(key) or _stores.setdefault(key, _made(*key))


def _made(slug: str, redis_url: str, processes: int) -> SlotStore:
    if not redis_url:
        return MemorySlots()
    return SharedSlots(slug, _redis(redis_url), processes=processes)


@functools.lru_cache(maxsize=2)
def _redis(url: str) -> RedisSlots:
    return RedisSlots(url)
