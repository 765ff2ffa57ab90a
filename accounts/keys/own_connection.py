"""A connection to the database outside the pool, for a thread that must not wait for one of it."""

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper


def own_connection() -> BaseDatabaseWrapper:
    """Return a connection that is opened at its first use; whichever thread may close it."""
    own: BaseDatabaseWrapper = connection.copy()
    options = own.settings_dict["OPTIONS"]
    if options.pop("pool", None) is not None and settings.DATABASE_PREPARED_STATEMENTS:
        options["prepare_threshold"] = 0
    own.inc_thread_sharing()
    return own
