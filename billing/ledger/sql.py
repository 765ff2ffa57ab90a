"""The SQL of holds and settlements: each statement does a whole batch, on PostgreSQL and SQLite."""

# ruff: noqa: S608 -- the texts are put together from constants of the code; every value is a parameter

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any

import orjson
from django.db.backends.utils import CursorWrapper

from billing.ledger import dialect
from billing.usage.generations import GenerationFacts

Statement = tuple[str, list[Any]]

LEASE_DEAD_S = 60
NEVER = datetime.min.replace(tzinfo=UTC)


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
class AccountRow:
    """An account's row: `last_digest` is that of its newest entry, empty where there is none."""

    posted_nano: int
    held_nano: int
    debt_nano: int
    last_digest: bytes


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A ledger entry of the money path."""

    account_id: int
    kind: str
    amount_nano: int
    balance_nano: int
    generation_id: uuid.UUID | None
    reason: str
    created_at: datetime
    digest: bytes


_KINDS: dict[Any, str] = {int: "bigint", int | None: "bigint", bool: "boolean", bytes: "bytea"} | {
    uuid.UUID: "uuid",
    uuid.UUID | None: "uuid",
    date: "date",
    datetime: "timestamptz",
}


def _columns(row: type) -> dict[str, str]:
    """Return the columns that the fields of a row are, with their types; the others are texts."""
    return {field.name: _KINDS.get(field.type, "text") for field in fields(row)}


HOLD = _columns(HoldRow)
NEW_HOLD = {name: kind for name, kind in HOLD.items() if name != "created_at"}
_ENTRY = _columns(EntryRow)
_SPENDING = {
    "credential_kind": "text",
    "credential_id": "bigint",
    "day": "date",
    "spent_nano": "bigint",
}
WHO = {name: kind for name, kind in HOLD.items() if name not in {"amount_nano", "process_id"}}
DOCUMENTS = dict.fromkeys(("attempts", "adapted", "routing", "metadata"), "jsonb")
WHAT = {name: kind for name, kind in _columns(GenerationFacts).items() if name not in DOCUMENTS}
GENERATION = WHO | WHAT | DOCUMENTS | {"cost_nano": "bigint", "write_off_nano": "bigint"}

_hold_columns = ", ".join(HOLD)
_is_lost = (
    "NOT EXISTS (SELECT 1 FROM billing_processlease AS lease"
    " WHERE lease.process_id = billing_hold.process_id AND lease.renewed_at > {latest})"
)


def lock_accounts(
    cursor: CursorWrapper, account_ids: Iterable[int]
) -> tuple[dict[int, AccountRow], datetime]:
    """Lock the accounts in the order of their ids; return the rows of those that exist.

    The moment is by the database's clock.
    """
    condition, parameters = dialect.among("bigint", sorted(account_ids))
    cursor.execute(
        f"SELECT account_id, {dialect.now()}, posted_nano, held_nano, debt_nano, last_digest"
        f" FROM billing_creditaccount WHERE account_id {condition}"
        f" ORDER BY account_id{dialect.for_update()}",
        parameters,
    )
    rows, now = {}, NEVER
    for account_id, moment, posted_nano, held_nano, debt_nano, last_digest in cursor.fetchall():
        rows[account_id] = AccountRow(posted_nano, held_nano, debt_nano, bytes(last_digest or b""))
        now = dialect.read_moment(moment)
    return rows, now


def open_accounts(cursor: CursorWrapper, account_ids: Iterable[int]) -> None:
    """Open credit accounts for those accounts that exist and have none."""
    condition, parameters = dialect.among("bigint", sorted(account_ids))
    cursor.execute(
        "INSERT INTO billing_creditaccount (account_id) SELECT id FROM accounts_account"
        f" WHERE id {condition} ORDER BY id ON CONFLICT (account_id) DO NOTHING",
        parameters,
    )


def change_accounts(changes: Mapping[int, AccountRow]) -> list[Statement]:
    """Add to posted and held of each account; debt and digest are as they are given."""
    if not changes:
        return []
    rows = [
        (account_id, row.posted_nano, row.held_nano, row.debt_nano, row.last_digest)
        for account_id, row in changes.items()
    ]
    given, parameters = dialect.table_of([*["bigint"] * 4, "bytea"], rows)
    return [
        (
            "UPDATE billing_creditaccount SET posted_nano = posted_nano + change.column2,"
            " held_nano = held_nano + change.column3, debt_nano = change.column4,"
            " last_digest = change.column5"
            f" FROM ({given}) AS change WHERE account_id = change.column1",
            parameters,
        )
    ]


def insert_holds(holds: Sequence[HoldRow]) -> list[Statement]:
    """Insert holds; the database stamps them."""
    return _insert("billing_hold", NEW_HOLD, list(map(attrgetter(*NEW_HOLD), holds)))


def find_holds(cursor: CursorWrapper, hold_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, HoldRow]:
    """Return the open ones."""
    condition, parameters = dialect.among("uuid", hold_ids)
    cursor.execute(f"SELECT {_hold_columns} FROM billing_hold WHERE id {condition}", parameters)
    return _hold_rows(cursor)


def take_holds(cursor: CursorWrapper, hold_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, HoldRow]:
    """Delete the open ones and return them: who gets a hold back is the one who resolves it."""
    condition, parameters = dialect.among("uuid", hold_ids)
    cursor.execute(
        f"DELETE FROM billing_hold WHERE id {condition} RETURNING {_hold_columns}", parameters
    )
    return _hold_rows(cursor)


def take_lost_holds(cursor: CursorWrapper, account_ids: Sequence[int]) -> dict[uuid.UUID, HoldRow]:
    """Delete and return what dead processes hold of these accounts, which are locked."""
    condition, parameters = dialect.among("bigint", account_ids)
    is_lost = _is_lost.format(latest=dialect.seconds_ago(LEASE_DEAD_S))
    cursor.execute(
        f"DELETE FROM billing_hold WHERE account_id {condition} AND {is_lost}"
        f" RETURNING {_hold_columns}",
        parameters,
    )
    return _hold_rows(cursor)


def accounts_with_lost_holds(cursor: CursorWrapper, most: int) -> list[int]:
    """Return accounts that dead processes hold money of."""
    is_lost = _is_lost.format(latest=dialect.seconds_ago(LEASE_DEAD_S))
    cursor.execute(f"SELECT DISTINCT account_id FROM billing_hold WHERE {is_lost} LIMIT %s", [most])
    return [account_id for (account_id,) in cursor.fetchall()]


def spent_and_held(cursor: CursorWrapper, key_ids: Sequence[int], since: date) -> int:
    """Return what the keys together have spent since that day, and what they hold since."""
    of_keys = f"credential_kind = 'key' AND credential_id IN ({', '.join(['%s'] * len(key_ids))})"
    cursor.execute(
        "SELECT CAST("
        f"COALESCE((SELECT SUM(spent_nano) FROM billing_spending WHERE {of_keys} AND day >= %s), 0)"
        f" + COALESCE((SELECT SUM(amount_nano) FROM billing_hold WHERE {of_keys} AND day >= %s), 0)"
        " AS bigint)",
        [*key_ids, since.isoformat()] * 2,
    )
    total_nano: int = cursor.fetchone()[0]
    return total_nano


def add_spending(spent: Mapping[tuple[str, int, date], int]) -> list[Statement]:
    """Add what credentials spent to their days."""
    rows = [(*credential_day, amount_nano) for credential_day, amount_nano in spent.items()]
    return [
        (
            f"{sql} ON CONFLICT (credential_kind, credential_id, day)"
            " DO UPDATE SET spent_nano = billing_spending.spent_nano + excluded.spent_nano",
            parameters,
        )
        for sql, parameters in _insert("billing_spending", _SPENDING, rows)
    ]


def insert_entries(entries: Sequence[EntryRow]) -> list[Statement]:
    """Insert ledger entries, in this order."""
    return _insert("billing_ledgerentry", _ENTRY, list(map(attrgetter(*_ENTRY), entries)))


def insert_generations(
    generations: Sequence[tuple[HoldRow, GenerationFacts, int, int]],
) -> list[Statement]:
    """Insert generations: of each its hold, its facts, its cost and the part written off."""
    who, what = attrgetter(*WHO), attrgetter(*WHAT)
    rows = [
        (
            *who(hold),
            *what(facts),
            orjson.dumps(facts.attempts).decode(),
            orjson.dumps(facts.adapted).decode(),
            _document(facts.routing),
            _document(facts.metadata),
            cost_nano,
            write_off_nano,
        )
        for hold, facts, cost_nano, write_off_nano in generations
    ]
    return _insert("billing_generation", GENERATION, rows)


def find_charges(
    cursor: CursorWrapper, generation_ids: Sequence[uuid.UUID], *, except_error: str
) -> dict[uuid.UUID, tuple[int, int]]:
    """Return cost and write-off of those that are settled already, but not with this error code."""
    condition, parameters = dialect.among("uuid", generation_ids)
    cursor.execute(
        "SELECT id, cost_nano, write_off_nano FROM billing_generation"
        f" WHERE id {condition} AND error_code <> %s",
        [*parameters, except_error],
    )
    return {dialect.read_uuid(found): (cost, part) for found, cost, part in cursor.fetchall()}


def run(cursor: CursorWrapper, statements: Sequence[Statement]) -> None:
    """Execute statements that return nothing, in one round trip where there is a way to go."""
    if statements and dialect.is_postgres():
        text = "; ".join(sql for sql, _ in statements)
        cursor.execute(text, [value for _, parameters in statements for value in parameters])
        return
    for sql, parameters in statements:
        cursor.execute(sql, parameters)


def _insert(
    table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]
) -> list[Statement]:
    if not rows:
        return []
    given, parameters = dialect.table_of(list(columns.values()), rows)
    return [(f"INSERT INTO {table} ({', '.join(columns)}) {given}", parameters)]


def _document(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _hold_rows(cursor: CursorWrapper) -> dict[uuid.UUID, HoldRow]:
    rows = [
        HoldRow(
            *(dialect.read_uuid(hold_id), account_id, amount_nano, dialect.read_uuid(process_id)),
            *(*rest, dialect.read_moment(created_at)),
        )
        for hold_id, account_id, amount_nano, process_id, *rest, created_at in cursor.fetchall()
    ]
    return {row.id: row for row in rows}
