"""Django's own migrate, one at a time, without the time-outs of requests."""

import contextlib
import fcntl
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from infra.usable_database import demand_usable

# A migration may compute for long, but it waits briefly for a lock: who waits stands before all requests.
SESSION = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "5s",
}
_ADVISORY_LOCK = 0x78726D69  # "xrmi"
_ASK_AGAIN_S = 0.2


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> Any:
        # The system checks too: they ask the database, and take one that is busy for one that cannot do.
        def tell() -> None:
            print("Another migrate runs; waiting for it.", file=options.get("stderr") or sys.stderr)

        with _alone(connections[options["database"]], tell):
            return super().execute(*args, **options)


@contextlib.contextmanager
def _alone(connection: Any, tell: Callable[[], None]) -> Iterator[None]:
    """Hold what a second migrate waits for; `tell` is called once where that is this one."""
    held: contextlib.AbstractContextManager[None]
    if connection.vendor == "postgresql":
        held = _postgresql(connection, tell)
    elif connection.is_in_memory_db():
        held = contextlib.nullcontext()
    else:
        held = _sqlite(connection)
    with held:
        yield


@contextlib.contextmanager
def _postgresql(connection: Any, tell: Callable[[], None]) -> Iterator[None]:
    # The lock's connection is not of the pool: however the migration ends, it is closed and the lock free.
    lock = connection.copy()
    lock.settings_dict["OPTIONS"].pop("pool", None)
    with contextlib.closing(lock):
        demand_usable(lock)
        # Asked again and again: a statement that waits would hold up CREATE INDEX CONCURRENTLY of the other.
        while not _is_locked(lock):
            tell()
            tell = _say_nothing
            time.sleep(_ASK_AGAIN_S)
        connection.ensure_connection()
        connection.set_session(connection.connection, SESSION)
        try:
            yield
        finally:
            if connection.is_usable():
                session = connection.settings_dict["OPTIONS"].get("session", {})
                connection.set_session(connection.connection, session)


def _is_locked(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_LOCK])
        return bool(cursor.fetchone()[0])


def _say_nothing() -> None:
    pass


@contextlib.contextmanager
def _sqlite(connection: BaseDatabaseWrapper) -> Iterator[None]:
    folder = pathlib.Path(str(connection.settings_dict["NAME"])).parent
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Before the lock is free: whoever closes a write-ahead log last refuses others meanwhile, however long
        # they would wait. Source: sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY".
        if not connection.in_atomic_block:
            connection.close()
        os.close(descriptor)
