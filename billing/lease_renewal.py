"""The thread that keeps alive, in Redis, the leases of the requests that run in this process."""

import logging
import threading
import time

from billing.limit_store import StoreAway
from billing.limit_store_memory import MemoryLimitStore
from billing.limit_store_redis import RedisLimitStore

logger = logging.getLogger(__name__)


class LeaseRenewal:
    """Renews in bulk, three times in the life of a lease."""

    def __init__(self, store: RedisLimitStore, requests: MemoryLimitStore) -> None:
        self._store = store
        self._requests = requests
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ensure_running(self) -> None:
        """Start the thread if it does not run yet; a forked process needs one of its own."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="lease-renewal", daemon=True)
                self._thread.start()

    def renew(self) -> None:
        """Prolong every running lease once. Raises: StoreAway."""
        before = self._requests.running()
        if not before:
            return
        self._store.renew(before)
        # A request that ended in between gave back a lease that was then prolonged.
        after = self._requests.running()
        for account_id, lease_ids in before.items():
            for lease_id in set(lease_ids).difference(after.get(account_id, ())):
                self._store.release(account_id, lease_id)

    def _run(self) -> None:
        while True:
            time.sleep(self._store.lease_s / 3)
            try:
                self.renew()
            except StoreAway:
                continue
            except Exception:
                logger.exception("Leases were not renewed.")
