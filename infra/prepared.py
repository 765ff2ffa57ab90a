"""Statements of the hot path on PostgreSQL: prepared once a connection, with answers in binary form."""

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

from django.db import connection, transaction
from psycopg import RawCursor

PATIENCE = "(SELECT set_config('lock_timeout', '2000', true) AS timeout) AS patience"
"""What a statement selects from to limit its own waits for locks, with `patience.timeout <> ''`.

A limit of the session's would not do: a pooler between us and the database may deal another connection to
every transaction.
"""


def rows(text: str, *parameters: str) -> list[tuple[Any, ...]]:
    """Execute a statement with parameters `$1`, `$2` and so on, and return its rows.

    It is a transaction of its own, or a part of the one that is running. Raises django.db.Error.
    """
    with (
        transaction.atomic() if connection.in_atomic_block else nullcontext(),
        connection.wrap_database_errors,
    ):
        connection.ensure_connection()
        with RawCursor(connection.connection) as cursor:
            return cursor.execute(text, parameters, prepare=True, binary=True).fetchall()


def array(values: Iterable[object]) -> str:
    """Return numbers or UUIDs as the text of an array.

    Parameters are texts, so that a statement is prepared once whatever sizes their numbers have.
    """
    return f"{{{','.join(map(str, values))}}}"
