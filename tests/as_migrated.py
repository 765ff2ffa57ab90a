"""The database as its migrations left it: what a test that commits finds, and what it leaves.

Django would empty every table, the seeded ones too, which takes ten times as long and then has to
be seeded again.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

from tests.live.service import migrated_file

TABLES = """
    SELECT quote_ident(relname), quote_ident(attname),
        EXISTS (SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal)
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND attnum > 0 AND NOT attisdropped
    ORDER BY relname, attnum
"""


def restore_after_tests() -> None:
    """Have a test that commits put back what its database held before any test; keep that now."""
    restore = KEEP[connection.vendor](connection)

    def _fixture_teardown(_test: TransactionTestCase) -> None:
        restore()

    TransactionTestCase._fixture_teardown = _fixture_teardown  # type: ignore[attr-defined]  # the stubs lack it


def _keep_on_postgres(connection: BaseDatabaseWrapper) -> Callable[[], None]:
    """Keep a copy of the rows in a schema that nobody's search path names."""
    columns: dict[str, list[str]] = {}
    guarded: set[str] = set()
    filled: set[str] = set()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS as_migrated CASCADE")  # of a database used again
        cursor.execute("CREATE SCHEMA as_migrated")
        cursor.execute(TABLES)
        for table, column, has_trigger in cursor.fetchall():
            columns.setdefault(table, []).append(column)
            if has_trigger:
                guarded.add(table)
        for table in columns:
            cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")
            if cursor.fetchone()[0]:
                filled.add(table)
                cursor.execute(f"CREATE TABLE as_migrated.{table} AS TABLE {table}")
    statements = [
        # As TRUNCATE would: a thread that still writes is waited for, and its rows go too.
        f"LOCK TABLE {', '.join(columns)} IN SHARE ROW EXCLUSIVE MODE",
        "SET CONSTRAINTS ALL DEFERRED",
        *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in guarded),
        *(
            statement
            for table, names in columns.items()
            for statement in (
                _put_back(table, ", ".join(names)) if table in filled else [f"DELETE FROM {table}"]
            )
        ),
        "SET CONSTRAINTS ALL IMMEDIATE",
        *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in guarded),
    ]

    def restore() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("; ".join(statements))

    return restore


def _put_back(table: str, columns: str) -> list[str]:
    """Return how to change the rows that differ, and no other: most tests change none."""
    return [
        f"DELETE FROM {table} WHERE ROW({columns})::text"
        f" NOT IN (SELECT ROW({columns})::text FROM as_migrated.{table})",
        f"INSERT INTO {table} ({columns})"
        f" SELECT {columns} FROM as_migrated.{table} EXCEPT SELECT {columns} FROM {table}",
    ]


def _keep_on_sqlite(connection: BaseDatabaseWrapper) -> Callable[[], None]:
    """Copy the file that is kept for services over the tests' own; ids go on, as nobody expects one twice."""

    def restore() -> None:
        connection.ensure_connection()
        tests: sqlite3.Connection = connection.connection
        with closing(sqlite3.connect(migrated_file())) as kept:
            handed_out = tests.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
            kept.backup(tests)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM sqlite_sequence")
            cursor.executemany(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", handed_out
            )

    return restore


KEEP = {"postgresql": _keep_on_postgres, "sqlite": _keep_on_sqlite}
