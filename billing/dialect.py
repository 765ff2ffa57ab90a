"""What differs between the two databases in the SQL of money: how many values become a few parameters.

PostgreSQL takes many as arrays, so that the text of a statement is the same for a batch of any size;
SQLite has no arrays, and of a few rows PostgreSQL too makes more haste with a plain list.
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
    """Return the condition of being one of the values, to be put behind a column's name."""
    found = list(values)
    if is_postgres():
        return f"= ANY(%s::{kind}[])", [found]
    return f"IN ({_placeholders(found)})", [_plain(value) for value in found]


def table_of(kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> Fragment:
    """Return a query that yields the rows, in their order, as `column1` and so on."""
    if is_postgres() and len(rows) > FEW_ROWS:
        columns = ", ".join(f"%s::{kind}[]" for kind in kinds)
        names = ", ".join(f"column{number}" for number in range(1, len(kinds) + 1))
        parameters = [list(column) for column in zip(*rows, strict=True)]
        return f"SELECT * FROM unnest({columns}) AS given({names})", parameters  # noqa: S608
    lines = ", ".join([f"({_placeholders(kinds)})"] * len(rows))
    return f"VALUES {lines}", [_plain(value) for row in rows for value in row]


def moscow_today() -> str:
    """Return the expression of Moscow's date by the database's clock."""
    return (
        "(now() AT TIME ZONE 'Europe/Moscow')::date" if is_postgres() else "date('now', '+3 hours')"
    )


def seconds_ago(seconds: int) -> str:
    """Return the expression of a moment by the database's clock."""
    if is_postgres():
        return f"statement_timestamp() - interval '{seconds} seconds'"
    return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-{seconds} seconds')"


def for_update() -> str:
    """Return what locks the rows of a query; SQLite's transactions are IMMEDIATE and lock all there is."""
    return " FOR NO KEY UPDATE" if is_postgres() else ""


def read_date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def read_moment(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def read_uuid(value: uuid.UUID | str) -> uuid.UUID:
    return uuid.UUID(value) if isinstance(value, str) else value


def _placeholders(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _plain(value: Any) -> Any:
    """Return a value as SQLite keeps it; PostgreSQL knows them all."""
    if is_postgres():
        return value
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value
