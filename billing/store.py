"""One thread's way to the money store: it tries again where the store stumbles, within its patience."""

import logging
import os
import socket
import time
import weakref
from collections.abc import Callable
from typing import TypeVar

import psycopg
from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
    connections,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from billing.errors import MoneyStoreUnavailable

STUCK_S = 4.0
"""An attempt that takes longer waits for a server that will not answer."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0

_Result = TypeVar("_Result")

logger = logging.getLogger(__name__)


def break_off_stuck() -> None:
    """Break off whatever hangs in this process: called by each that waits, and before every attempt."""
    for store in list(_stores):
        store.break_off_if_stuck()


class MoneyStore:
    """Belongs to one thread, `break_off_if_stuck` excepted."""

    def __init__(self) -> None:
        self._wrapper: BaseDatabaseWrapper | None = None
        self._attempt_began_s: float | None = None
        _stores.add(self)

    def persist(
        self, work: Callable[[bool], _Result], *, patience_s: float | None = None
    ) -> _Result:
        """Return what `work` returns, trying again after deadlocks, timeouts and lost connections.

        `work` is told whether it is a repetition: the commit before may have succeeded unseen. Without
        `patience_s` there is no giving up. Raises MoneyStoreUnavailable.
        """
        give_up_s = None if patience_s is None else time.monotonic() + patience_s
        pause_s = _FIRST_PAUSE_S
        is_repeat = False
        while True:
            try:
                return self._attempt(work, is_repeat)
            except (OperationalError, InterfaceError, InternalError) as error:
                logger.warning("The money store stumbled: %s", error)
                self._discard_connection()
                if give_up_s is not None and time.monotonic() + pause_s > give_up_s:
                    raise MoneyStoreUnavailable("The money store is away.") from error
            is_repeat = True
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def rest(self) -> None:
        """Let go of the connection, whatever state it is in."""
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
        """Let go; when the connection was lost, those that wait in the pool are not to be trusted."""
        is_lost = getattr(connection.connection, "closed", False)
        self.rest()
        pool = getattr(connection, "pool", None)
        if is_lost and pool is not None:
            pool.drain()

    def _attempt(self, work: Callable[[bool], _Result], is_repeat: bool) -> _Result:
        break_off_stuck()
        self._wrapper = connections[DEFAULT_DB_ALIAS]
        self._attempt_began_s = time.monotonic()
        try:
            return work(is_repeat)
        finally:
            self._attempt_began_s = None


_stores: weakref.WeakSet[MoneyStore] = weakref.WeakSet()
