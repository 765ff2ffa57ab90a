"""The thread that renews, in Redis, the concurrency slots of this process's running requests."""

import contextlib

from billing.limits.memory_store import MemoryLimitStore
from billing.limits.redis_store import RedisLimitStore
from billing.limits.store import StoreAway
from infra.background import Background


class SlotHeartbeat:
    """Renews all slots together, three times in the life of one."""

    def __init__(self, store: RedisLimitStore, requests: MemoryLimitStore) -> None:
        self._store = store
        self._requests = requests
        self._thread = Background(
            "lease-renewal", self._renew_if_reached, every_s=lambda: store.lease_s / 3
        )

    def ensure_running(self) -> None:
        """Start the thread unless it runs; a forked process needs its own."""
        self._thread.ensure_running()

    def renew(self) -> None:
        """Renew every slot in use once. Raises: StoreAway."""
        before = self._requests.running()
        if not before:
            return
        self._store.renew(before)
        # A request that ended in between gave back a lease that was then prolonged.
        after = self._requests.running()
        for account_id, keys in before.items():
            for lease_id in keys.keys() - after.get(account_id, {}).keys():
                self._store.release(account_id, lease_id, keys[lease_id])

    def _renew_if_reached(self) -> None:
        with contextlib.suppress(StoreAway):
            self.renew()
