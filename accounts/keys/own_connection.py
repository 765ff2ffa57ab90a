"""A connection to the database outside the pool, for a thread that must not wait for one of it."""

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper


def own_connection() -> BaseDatabaseWrapper:
    """Return a connection that is opened at its first use; whichever thread may close it."""
    own: BaseDatabaseWrapper = connection.copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    own.inc_thread_sharing()
    return own
