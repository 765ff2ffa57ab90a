"""One thread's connection to the ledger's database, with retries up to a time limit."""

import logging
import os
import socket
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    connection,
    connections,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from billing.errors import MoneyStoreBusy, MoneyStoreUnavailable
from infra import outages
from infra.own_connection import use_own_connection

STUCK_S = 4.0
"""An attempt that takes longer hangs on a server that will not answer."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0

_Result = TypeVar("_Result")

logger = logging.getLogger(__name__)


def break_off_stuck() -> None:
    """Abort attempts that hang in this process; called while waiting and before every attempt."""
    for store in list(_connections):
        store.break_off_if_stuck()


class RetryingConnection:
    """Retries work on the database, with `is_own` on a connection of the thread's own.

    Only `break_off_if_stuck` and `stalled` may be called from other threads.
    """

    def __init__(self, *, is_own: bool = False) -> None:
        self._is_own = is_own
        self._shared_pool: Any = None
        self._wrapper: BaseDatabaseWrapper | None = None
        self._attempt_began_s: float | None = None
        self._is_good = True
        _connections.add(self)

    def run(self, work: Callable[[bool], _Result], *, patience_s: float | None = None) -> _Result:
        """Return what `work` returns, trying again after deadlocks, timeouts and lost connections.

        `work` takes `is_repeat`: an earlier commit may have succeeded without our knowing. Without
        `patience_s` it never gives up. Raises MoneyStoreUnavailable.
        """
        give_up_s = None if patience_s is None else time.monotonic() + patience_s
        pause_s = _FIRST_PAUSE_S
        is_repeat = False
        while True:
            try:
                return self._attempt(work, is_repeat)
            except (OperationalError, InterfaceError, InternalError, NotSupportedError) as error:
                outages.log_failure(logger, "The money store stumbled", error)
                self._discard_connection()
                if give_up_s is not None and time.monotonic() + pause_s > give_up_s:
                    raise MoneyStoreUnavailable("The money store is away.") from error
            is_repeat = True
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def stalled(self, limit_s: float) -> MoneyStoreUnavailable:
        """Return why work has waited so long: the store's silence, or so much other work."""
        began_s = self._attempt_began_s
        if not self._is_good or (began_s and time.monotonic() - began_s > limit_s):
            return MoneyStoreUnavailable("The money store is too slow.")
        return MoneyStoreBusy("Too many requests wait for the money store.")

    def rest(self) -> None:
        """Close the connection, whatever state it is in."""
        try:
            connection.close()
        except (OperationalError, InterfaceError):
            connection.connection = None

    def break_off_if_stuck(self) -> None:
        """End an attempt that hangs on a silent server; for other threads to call.

        The server's own timeouts cannot help when it, or the way to it, is frozen.
        """
        began_s, wrapper = self._attempt_began_s, self._wrapper
        if began_s is None or wrapper is None or time.monotonic() - began_s < STUCK_S:
            return
        if wrapper.vendor != "postgresql" or wrapper.connection is None:
            return
        try:
            with socket.socket(fileno=os.dup(wrapper.connection.fileno())) as copy:
                copy.shutdown(socket.SHUT_RDWR)
        except (OSError, psycopg.Error) as error:
            logger.info("A stuck connection was gone already: %s", error)

    def _discard_connection(self) -> None:
        """Close the connection; if it was lost, drop the idle ones of the pool too."""
        is_lost = getattr(connection.connection, "closed", False)
        self.rest()
        pool = self._shared_pool or getattr(connection, "pool", None)
        if is_lost and pool is not None:
            pool.drain()

    def _attempt(self, work: Callable[[bool], _Result], is_repeat: bool) -> _Result:
        break_off_stuck()
        if self._is_own:
            self._shared_pool = use_own_connection() or self._shared_pool
        self._wrapper = connections[DEFAULT_DB_ALIAS]
        self._attempt_began_s = time.monotonic()
        try:
            result = work(is_repeat)
            self._is_good = True
            outages.database.over()
            return result
        except Exception:
            self._is_good = False
            raise
        finally:
            self._attempt_began_s = None


_connections: weakref.WeakSet[RetryingConnection] = weakref.WeakSet()
