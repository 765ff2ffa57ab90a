"""The SQL of the money path: each statement does a whole batch, in words that both databases speak."""

# ruff: noqa: S608 -- what is put into the texts are constants of this module and rows of "%s"

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any

import orjson
from django.db import connection
from django.db.backends.utils import CursorWrapper

from billing.generations import GenerationFacts

Statement = tuple[str, Sequence[Any]]

LEASE_DEAD_S = 60


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold as it stands in its table; `created_at` is the database's time."""

    id: uuid.UUID
    account_id: int
    amount_nano: int
    process_id: uuid.UUID
    user_id: int
    credential_kind: str
    credential_id: int
    is_test: bool
    requested_model: str
    day: date
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A ledger entry of the money path, `balance_nano` included."""

    account_id: int
    kind: str
    amount_nano: int
    balance_nano: int
    generation_id: uuid.UUID
    reason: str


_HOLD_COLUMNS = tuple(field.name for field in fields(HoldRow))
_ENTRY_COLUMNS = tuple(field.name for field in fields(EntryRow))


def lock_accounts(
    cursor: CursorWrapper, account_ids: Iterable[int]
) -> tuple[dict[int, tuple[int, int]], date]:
    """Lock the accounts in the order of their ids; return posted and held of those that exist.

    The date is Moscow's by the database's clock. SQLite's transactions are IMMEDIATE, which locks
    everything there is.
    """
    wanted = sorted(account_ids)
    today, lock = "date('now', '+3 hours')", ""
    if connection.vendor == "postgresql":
        today, lock = "(now() AT TIME ZONE 'Europe/Moscow')::date", " FOR NO KEY UPDATE"
    cursor.execute(
        f"SELECT account_id, posted_nano, held_nano, {today} FROM billing_creditaccount"
        f" WHERE account_id IN {_list(wanted)} ORDER BY account_id{lock}",
        wanted,
    )
    rows, day = {}, date.min
    for account_id, posted_nano, held_nano, found in cursor.fetchall():
        rows[account_id] = posted_nano, held_nano
        day = found if isinstance(found, date) else date.fromisoformat(found)
    return rows, day


def open_accounts(cursor: CursorWrapper, account_ids: Iterable[int]) -> None:
    """Open credit accounts for those accounts that exist and have none."""
    wanted = sorted(account_ids)
    cursor.execute(
        f"INSERT INTO billing_creditaccount (account_id) SELECT id FROM accounts_account"
        f" WHERE id IN {_list(wanted)} ORDER BY id ON CONFLICT (account_id) DO NOTHING",
        wanted,
    )


def change_accounts(changes: Mapping[int, tuple[int, int]]) -> list[Statement]:
    """Add to posted and held of each account."""
    if not changes:
        return []
    rows = [(account_id, *change) for account_id, change in changes.items()]
    return [
        (
            f"UPDATE billing_creditaccount SET posted_nano = posted_nano + change.column2,"
            f" held_nano = held_nano + change.column3"
            f" FROM (VALUES {_rows(rows)}) AS change WHERE account_id = change.column1",
            _flat(rows),
        )
    ]


def insert_holds(holds: Sequence[HoldRow]) -> list[Statement]:
    """Insert holds; the database stamps them."""
    columns = _HOLD_COLUMNS[:-1]
    return _insert("billing_hold", columns, list(map(attrgetter(*columns), holds)))


def find_holds(cursor: CursorWrapper, hold_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, HoldRow]:
    """Return the open ones."""
    cursor.execute(
        f"SELECT {', '.join(_HOLD_COLUMNS)} FROM billing_hold WHERE id IN {_list(hold_ids)}",
        _adapted(hold_ids),
    )
    return _hold_rows(cursor)


def take_holds(cursor: CursorWrapper, hold_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, HoldRow]:
    """Delete the open ones and return them: who gets a hold back is the one who resolves it."""
    cursor.execute(
        f"DELETE FROM billing_hold WHERE id IN {_list(hold_ids)} RETURNING {', '.join(_HOLD_COLUMNS)}",
        _adapted(hold_ids),
    )
    return _hold_rows(cursor)


def take_lost_holds(cursor: CursorWrapper, account_ids: Sequence[int]) -> dict[uuid.UUID, HoldRow]:
    """Delete and return what dead processes hold of these accounts, which are locked."""
    cursor.execute(
        f"DELETE FROM billing_hold WHERE account_id IN {_list(account_ids)} AND {_is_lost()}"
        f" RETURNING {', '.join(_HOLD_COLUMNS)}",
        account_ids,
    )
    return _hold_rows(cursor)


def accounts_with_lost_holds(cursor: CursorWrapper, most: int) -> list[int]:
    """Return accounts that dead processes hold money of."""
    cursor.execute(
        f"SELECT DISTINCT account_id FROM billing_hold WHERE {_is_lost()} LIMIT %s", [most]
    )
    return [account_id for (account_id,) in cursor.fetchall()]


def spent_and_held(cursor: CursorWrapper, periods: Mapping[int, date]) -> dict[int, int]:
    """Return what each key has spent since the day that its period began, and what it holds since."""
    sums = {}
    for key_id, since in periods.items():
        first = connection.ops.adapt_datefield_value(since)
        cursor.execute(
            "SELECT CAST("
            "COALESCE((SELECT SUM(spent_nano) FROM billing_spending"
            " WHERE credential_kind = 'key' AND credential_id = %s AND day >= %s), 0)"
            " + COALESCE((SELECT SUM(amount_nano) FROM billing_hold"
            " WHERE credential_kind = 'key' AND credential_id = %s AND day >= %s), 0) AS bigint)",
            [key_id, first, key_id, first],
        )
        sums[key_id] = cursor.fetchone()[0]
    return sums


def add_spending(spent: Mapping[tuple[str, int, date], int]) -> list[Statement]:
    """Add what credentials spent to their days."""
    columns = ("credential_kind", "credential_id", "day", "spent_nano")
    rows = [(*credential_day, amount_nano) for credential_day, amount_nano in spent.items()]
    return [
        (
            f"{sql} ON CONFLICT (credential_kind, credential_id, day)"
            f" DO UPDATE SET spent_nano = billing_spending.spent_nano + excluded.spent_nano",
            parameters,
        )
        for sql, parameters in _insert("billing_spending", columns, rows)
    ]


def insert_entries(entries: Sequence[EntryRow]) -> list[Statement]:
    """Insert ledger entries, in this order."""
    return _insert(
        "billing_ledgerentry", _ENTRY_COLUMNS, list(map(attrgetter(*_ENTRY_COLUMNS), entries))
    )


def insert_generations(
    generations: Sequence[tuple[HoldRow, GenerationFacts, int, int]],
) -> list[Statement]:
    """Insert generations: of each its hold, its facts, its cost and the part written off."""
    return _insert(
        "billing_generation",
        _WHO + _WHAT + ("attempts", "adapted", "cost_nano", "write_off_nano"),
        [
            (
                *attrgetter(*_WHO)(hold),
                *attrgetter(*_WHAT)(facts),
                orjson.dumps(facts.attempts).decode(),
                orjson.dumps(facts.adapted).decode(),
                cost_nano,
                write_off_nano,
            )
            for hold, facts, cost_nano, write_off_nano in generations
        ],
    )


def find_charges(
    cursor: CursorWrapper, generation_ids: Sequence[uuid.UUID], *, except_error: str
) -> dict[uuid.UUID, tuple[int, int]]:
    """Return cost and write-off of those that are settled already, but not with this error code."""
    cursor.execute(
        f"SELECT id, cost_nano, write_off_nano FROM billing_generation"
        f" WHERE id IN {_list(generation_ids)} AND error_code <> %s",
        [*_adapted(generation_ids), except_error],
    )
    return {
        found if isinstance(found, uuid.UUID) else uuid.UUID(found): (cost_nano, write_off_nano)
        for found, cost_nano, write_off_nano in cursor.fetchall()
    }


_WHO = tuple(name for name in _HOLD_COLUMNS if name not in {"amount_nano", "process_id"})
_WHAT = tuple(
    field.name for field in fields(GenerationFacts) if field.name not in {"attempts", "adapted"}
)


def run(cursor: CursorWrapper, statements: Sequence[Statement]) -> None:
    """Execute statements that return nothing, in one round trip where there is a way to go."""
    if not statements:
        return
    if connection.vendor == "postgresql":
        cursor.execute("; ".join(sql for sql, _ in statements), _flat(row for _, row in statements))
        return
    for sql, parameters in statements:
        cursor.execute(sql, parameters)


def _insert(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Statement]:
    if not rows:
        return []
    return [
        (f"INSERT INTO {table} ({', '.join(columns)}) VALUES {_rows(rows)}", _adapted(_flat(rows)))
    ]


def _is_lost() -> str:
    """Return the condition that a hold's process has not renewed its lease, by the database's clock."""
    latest = (
        f"statement_timestamp() - interval '{LEASE_DEAD_S} seconds'"
        if connection.vendor == "postgresql"
        else f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-{LEASE_DEAD_S} seconds')"
    )
    return (
        f"NOT EXISTS (SELECT 1 FROM billing_processlease AS lease"
        f" WHERE lease.process_id = billing_hold.process_id AND lease.renewed_at > {latest})"
    )


def _hold_rows(cursor: CursorWrapper) -> dict[uuid.UUID, HoldRow]:
    rows = [HoldRow(*_read(row)) for row in cursor.fetchall()]
    return {row.id: row for row in rows}


def _read(row: Sequence[Any]) -> Sequence[Any]:
    """Give ids and times the types that SQLite does not have."""
    if connection.vendor == "postgresql":
        return row
    hold_id, account_id, amount_nano, process_id, *rest, created_at = row
    stamp = created_at.replace(tzinfo=UTC)
    return uuid.UUID(hold_id), account_id, amount_nano, uuid.UUID(process_id), *rest, stamp


def _adapted(values: Iterable[Any]) -> list[Any]:
    if connection.vendor == "postgresql":
        return list(values)
    return [_adapt(value) for value in values]


def _adapt(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value


def _list(values: Sequence[Any]) -> str:
    return f"({', '.join(['%s'] * len(values))})"


def _rows(rows: Sequence[Sequence[Any]]) -> str:
    return ", ".join([_list(rows[0])] * len(rows))


def _flat(rows: Iterable[Sequence[Any]]) -> list[Any]:
    return [value for row in rows for value in row]
