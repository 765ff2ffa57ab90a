"""A database connection of a thread's own, beside the pool that requests share."""

from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS, IDLE_TIMEOUT_MS = 2000, 5000, 10_000


def own_connection() -> BaseDatabaseWrapper:
    """Return a connection outside the pool, which is opened at its first use; any thread may close it.

    Statements that ask for it are prepared, unless DATABASE_PREPARED_STATEMENTS says no.
    """
    own: BaseDatabaseWrapper = connection.copy()
    options = own.settings_dict["OPTIONS"]
    if options.pop("pool", None) is not None and settings.DATABASE_PREPARED_STATEMENTS:
        options["prepare_threshold"] = 0
    own.inc_thread_sharing()
    return own


def use_own_connection() -> Any:
    """Give this thread a connection that no peer can keep from it; return the pool that it leaves.

    For threads that write for all. Returns None where there is no pool: on SQLite, and where the thread has
    its own connection already.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    if wrapper.vendor != "postgresql" or "pool" not in wrapper.settings_dict["OPTIONS"]:
        return None
    wrapper.close()
    connections[DEFAULT_DB_ALIAS] = own_connection()
    return wrapper.pool  # type: ignore[attr-defined]  # only PostgreSQL's wrapper has one


def _plan_once(connection: Any, **_: Any) -> None:
    """Have each prepared statement planned once: to plan the money path's costs more than to run it.

    And by the indexes: the plan outlives the moment in which a table is small enough to be read whole.
    """
    if connection.settings_dict["OPTIONS"].get("prepare_threshold") is not None:
        with connection.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")


connection_created.connect(_plan_once, dispatch_uid="plan_once")


def limit_waits() -> None:
    """Limit what the running transaction waits for: behind a pooler, a session's limits may be another's."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS};"
            f" SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS};"
            f" SET LOCAL idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}"
        )


def allow_long_statements(minutes: int) -> None:
    """Raise the statement timeout for the rest of the running transaction."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{minutes}min'")
    connection.connection.longest_silence_s = 60 * minutes + 1  # see infra/postgresql/base.py
