"""The lease that says this process lives: renewed every ten seconds, by the database's clock."""

import datetime as dt
import logging
import os
import threading
import time
import uuid

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from billing.errors import MoneyStoreUnavailable
from billing.models import Hold, ProcessLease
from billing.store import MoneyStore
from billing.sweep import sweep

RENEW_EVERY_S = 10.0
FORGOTTEN_AFTER_S = 3600

logger = logging.getLogger(__name__)


class Lease:
    """One process's lease, and the thread that renews it and sweeps up after dead processes."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew with an id of one's own, as a forked child must."""
        self._process_id = uuid.uuid4()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._renewed_s: float | None = None

    def keep(self) -> uuid.UUID:
        """See that the lease is fresh and stays so; return the id of this process.

        Called before every batch of holds, so that no hold can be older than its lease. Raises
        django.db.Error.
        """
        if self._renewed_s is None or time.monotonic() - self._renewed_s > RENEW_EVERY_S:
            self.renew()
        self._ensure_running()
        return self._process_id

    def renew(self) -> None:
        """Renew the lease. Raises django.db.Error."""
        began_s = time.monotonic()
        ProcessLease.objects.bulk_create(
            [ProcessLease(process_id=self._process_id, renewed_at=Now())],
            update_conflicts=True,
            update_fields=["renewed_at"],
            unique_fields=["process_id"],
        )
        self._renewed_s = began_s

    def stop(self) -> None:
        """End the thread; the next `keep` starts it again."""
        self._stopping.set()
        thread = self._thread
        if thread is not None and thread.is_alive():
            thread.join()
        self._thread = None
        self._renewed_s = None

    def _ensure_running(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stopping.clear()
                self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        """Renew and sweep until told to stop.

        The first sweep is one round after the first renewal, and after every failure: when the database
        comes back from a long absence, all leases look dead, and the living must be able to renew theirs.
        """
        store = MoneyStore()
        is_steady = False
        while not self._stopping.wait(RENEW_EVERY_S):
            try:
                store.persist(lambda is_repeat: self.renew(), patience_s=0)
                if is_steady and store.persist(lambda is_repeat: sweep(), patience_s=0):
                    _drop_forgotten()
                is_steady = True
            except MoneyStoreUnavailable:
                is_steady = False
            except Exception:
                logger.exception("The holds of lost processes were not released.")
            finally:
                store.rest()


def _drop_forgotten() -> None:
    """Delete the leases of processes long dead, of which nothing is left."""
    held = Hold.objects.filter(process_id=OuterRef("process_id"))
    long_ago = Now() - dt.timedelta(seconds=FORGOTTEN_AFTER_S)
    ProcessLease.objects.filter(~Exists(held), renewed_at__lt=long_ago).delete()


lease = Lease()
os.register_at_fork(after_in_child=lease.forget)
