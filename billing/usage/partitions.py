"""Monthly partitions of the generations' table on PostgreSQL: created ahead, dropped when old."""

import datetime as dt
import re
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from billing.usage.generation_ids import least_id_at
from infra.moscow_time import midnight, moscow_day

TABLE = "billing_generation"
DEFAULT = f"{TABLE}_default"
"""The partition of ids that no monthly one takes."""
MONTHS_AHEAD = 3

_NAME = re.compile(rf"{TABLE}_(\d{{4}})_(\d{{2}})", re.ASCII)


def make_ahead() -> int:
    """Create the partitions of this month and the next ones; return how many were missing.

    Does nothing where the table is not partitioned. Raises django.db.Error.
    """
    with connection.cursor() as cursor:
        if not _is_partitioned(cursor):
            return 0
        there = set(_months(cursor))
    month = moscow_day(timezone.now()).replace(day=1)
    created = 0
    for _ in range(MONTHS_AHEAD + 1):
        if month not in there:
            make(month)
            created += 1
        month = next_month(month)
    return created


def make(month: dt.date) -> None:
    """Create the partition of a month, and move its rows there from the default one.

    It is attached once it is complete, which blocks no writer to other months.
    """
    name = f"{TABLE}_{month:%Y_%m}"
    first, end = bounds(month)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        )
        cursor.execute(
            f"WITH moved AS (DELETE FROM {DEFAULT} WHERE id >= %s AND id < %s RETURNING *)"  # noqa: S608
            f" INSERT INTO {name} SELECT * FROM moved",
            [first, end],
        )
        cursor.execute(
            f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{end}')"
        )


def drop_before(day: dt.date) -> int:
    """Drop the months that end before a day; return how many. Raises django.db.Error."""
    dropped = 0
    with connection.cursor() as cursor:
        for month in _months(cursor) if _is_partitioned(cursor) else ():
            if next_month(month) <= day:
                cursor.execute(f"DROP TABLE {TABLE}_{month:%Y_%m}")
                dropped += 1
    return dropped


def bounds(month: dt.date) -> tuple[UUID, UUID]:
    """Return the least id of a month in Moscow, and that of the next."""
    return least_id_at(midnight(month)), least_id_at(midnight(next_month(month)))


def next_month(month: dt.date) -> dt.date:
    """Return the first day of the next month."""
    return (month.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def _is_partitioned(cursor: CursorWrapper) -> bool:
    if connection.vendor != "postgresql":
        return False
    cursor.execute(
        "SELECT EXISTS (SELECT 1 FROM pg_partitioned_table WHERE partrelid = to_regclass(%s))",
        [TABLE],
    )
    return bool(cursor.fetchone()[0])


def _months(cursor: CursorWrapper) -> list[dt.date]:
    cursor.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = to_regclass(%s) ORDER BY relname",
        [TABLE],
    )
    found = [_NAME.fullmatch(name) for (name,) in cursor.fetchall()]
    return [dt.date(int(name[1]), int(name[2]), 1) for name in found if name]
