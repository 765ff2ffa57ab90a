"""SQL that differs between PostgreSQL and SQLite in the ledger, above all lists of values.

PostgreSQL takes many values as arrays, so that the text of a statement is the same for a batch of any
size. SQLite has no arrays, and for a few rows a plain list is faster on PostgreSQL too.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection

FEW_ROWS = 4

Fragment = tuple[str, list[Any]]


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def among(kind: str, values: Iterable[Any]) -> Fragment:
    """Return the condition that follows a column's name and matches any of the values."""
    found = list(values)
    if is_postgres():
        return f"= ANY(%s::{kind}[])", [found]
    return f"IN ({_placeholders(found)})", [_plain(value) for value in found]


def table_of(kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> Fragment:
    """Return a query that yields the rows in order, with columns `column1`, `column2` and so on."""
    if is_postgres() and len(rows) > FEW_ROWS:
        columns = ", ".join(f"%s::{kind}[]" for kind in kinds)
        names = ", ".join(f"column{number}" for number in range(1, len(kinds) + 1))
        parameters = [list(column) for column in zip(*rows, strict=True)]
        return f"SELECT * FROM unnest({columns}) AS given({names})", parameters  # noqa: S608
    lines = ", ".join([f"({_placeholders(kinds)})"] * len(rows))
    return f"VALUES {lines}", [_plain(value) for row in rows for value in row]


def now() -> str:
    """Return an SQL expression: this moment by the database's clock."""
    return "clock_timestamp()" if is_postgres() else "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"


def seconds_ago(seconds: int) -> str:
    """Return an SQL expression: so many seconds ago by the database's clock."""
    if is_postgres():
        return f"statement_timestamp() - interval '{seconds} seconds'"
    return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-{seconds} seconds')"


def for_update() -> str:
    """Return the clause that locks rows; SQLite needs none, its transactions are IMMEDIATE."""
    return " FOR NO KEY UPDATE" if is_postgres() else ""


def read_moment(value: datetime | str) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_uuid(value: uuid.UUID | str) -> uuid.UUID:
    return uuid.UUID(value) if isinstance(value, str) else value


def _placeholders(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _plain(value: Any) -> Any:
    """Return a value in the form that SQLite stores."""
    if is_postgres():
        return value
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value
