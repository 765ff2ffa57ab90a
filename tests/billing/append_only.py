"""How the tests empty tables that refuse to be emptied, on both stores."""

from collections.abc import Iterable

from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite

CHANGES = {
    "postgresql": "SET CONSTRAINTS ALL IMMEDIATE;"
    " ALTER TABLE billing_ledgerentry DISABLE TRIGGER ledger_is_append_only",
    "sqlite": "DROP TRIGGER ledger_refuses_update; DROP TRIGGER ledger_refuses_delete",
}
TRUNCATED = {
    "billing_ledgerentry": "ledger_refuses_truncate",
    "billing_auditcheckpoint": "checkpoints_refuse_truncate",
    "accounts_auditentry": "journal_refuses_truncate",
    "accounts_securityevent": "accounts_securityevent_refuses_truncate",
    "accounts_eventconfirmation": "accounts_eventconfirmation_refuses_truncate",
}
"""Table → its trigger against being emptied at once."""


def forge(statement: str) -> None:
    """Change the ledger as somebody who owns the database can; the transaction is to be undone."""
    with connection.cursor() as cursor:
        for lift in CHANGES[connection.vendor].split("; "):
            cursor.execute(lift)
        cursor.execute(statement)


def lift_triggers_to_flush() -> None:
    """Have Django's flush take the triggers off, and put them on again."""
    _lift_on_postgres()
    _lift_on_sqlite()


def _lift_on_postgres() -> None:
    operations = PostgreSQL.ops_class
    flush = operations.execute_sql_flush
    if getattr(flush, "lifts_triggers", False):
        return

    def execute_sql_flush(self: BaseDatabaseOperations, sql_list: Iterable[str]) -> None:
        off, on = (
            [f"ALTER TABLE {table} {verb} TRIGGER {name}" for table, name in TRUNCATED.items()]
            for verb in ("DISABLE", "ENABLE")
        )
        flush(self, [*off, *sql_list, *on])

    execute_sql_flush.lifts_triggers = True  # type: ignore[attr-defined]
    operations.execute_sql_flush = execute_sql_flush  # type: ignore[method-assign]


def _lift_on_sqlite() -> None:
    operations = SQLite.ops_class
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
