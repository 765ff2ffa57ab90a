"""The heartbeat of a process that holds money: renewed every ten seconds by the database's clock."""

import datetime as dt
import os
import time
import uuid

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from billing.errors import MoneyStoreUnavailable
from billing.ledger import live_processes
from billing.ledger.retrying_connection import RetryingConnection
from billing.ledger.sweep import sweep
from billing.models import Hold, ProcessLease
from infra.background import Background

RENEW_EVERY_S = 10.0
FORGOTTEN_AFTER_S = 3600


class ProcessHeartbeat:
    """The heartbeat of one process; its thread also releases the holds of dead processes."""

    def __init__(self) -> None:
        self._thread = Background("lease", self._beat, every_s=RENEW_EVERY_S)
        self.reset()

    def reset(self) -> None:
        """Start over with a new id, as a forked child must."""
        self._process_id = uuid.uuid4()
        self._store = RetryingConnection(is_own=True)
        self._is_steady = False
        self._renewed_s: float | None = None

    def keep(self) -> uuid.UUID:
        """Make sure that the heartbeat is fresh and stays so; return the id of this process.

        Called before every batch of holds, so that no hold is older than its process's heartbeat.
        Raises django.db.Error.
        """
        if self._renewed_s is None or time.monotonic() - self._renewed_s > RENEW_EVERY_S:
            self.renew()
        self._thread.ensure_running()
        return self._process_id

    def renew(self) -> None:
        """Write the heartbeat. Raises django.db.Error."""
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
        self._thread.stop()
        self._is_steady = False
        self._renewed_s = None

    def _beat(self) -> None:
        """Write the heartbeat and sweep up.

        The first sweep is one beat after the first renewal, and after every failure: when the database
        comes back after a long outage, every process looks dead, and the living must have time to renew.
        """
        try:
            self._store.run(lambda is_repeat: self.renew(), patience_s=0)
            self._store.run(lambda is_repeat: live_processes.look(), patience_s=0)
            if self._is_steady and self._store.run(lambda is_repeat: sweep(), patience_s=0):
                _drop_forgotten()
            self._is_steady = True
        except MoneyStoreUnavailable:
            self._is_steady = False
        finally:
            self._store.rest()


def _drop_forgotten() -> None:
    """Delete the rows of processes that died long ago and hold nothing."""
    held = Hold.objects.filter(process_id=OuterRef("process_id"))
    long_ago = Now() - dt.timedelta(seconds=FORGOTTEN_AFTER_S)
    ProcessLease.objects.filter(~Exists(held), renewed_at__lt=long_ago).delete()


heartbeat = ProcessHeartbeat()
os.register_at_fork(after_in_child=heartbeat.reset)
