"""Whether a database can be used: reached, and as new as the code."""

from django.core.management import CommandError
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor


def demand_usable(connection: BaseDatabaseWrapper) -> None:
    """Connect. Raises CommandError, one line that says why that cannot be done."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        variable = "DATABASE_URL" if connection.alias == "default" else "DATABASE_REPLICA_URL"
        why = " ".join(str(error).split())
        raise CommandError(f"{variable} names what cannot be used: {why}") from None


def is_migrated(connection: BaseDatabaseWrapper) -> bool:
    """Say whether a database is as new as the code. To know it, every migration's file is read."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
