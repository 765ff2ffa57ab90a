"""How the tests empty a ledger that refuses to be emptied.

PostgreSQL truncates, which fires no trigger for deleting; SQLite has to delete row by row.
"""

from collections.abc import Iterable

from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.backends.sqlite3.base import DatabaseWrapper


def lift_triggers_to_flush() -> None:
    """Have Django's flush of SQLite take the ledger's triggers off, and put them on again."""
    operations = DatabaseWrapper.ops_class
    flush = operations.execute_sql_flush
    if getattr(flush, "lifts_triggers", False):
        return

    def execute_sql_flush(self: BaseDatabaseOperations, sql_list: Iterable[str]) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        drop = [f"DROP TRIGGER {name}" for name, _ in triggers]
        flush(self, [*drop, *sql_list, *(sql for _, sql in triggers)])

    execute_sql_flush.lifts_triggers = True  # type: ignore[attr-defined]
    operations.execute_sql_flush = execute_sql_flush  # type: ignore[method-assign]
