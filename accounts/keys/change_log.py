"""The log of changes to credentials: written in the transaction of the change, read by every process.

A process asks for all that is new with one statement, whatever it remembers. On PostgreSQL transactions
commit in any order, so an entry bears the id of its transaction, and a reader begins where the oldest
transaction that was still running began; what it then reads twice it knows by its id. SQLite lets one
transaction write at a time: there the ids of the entries are their order.
"""

import time
from collections.abc import Callable, Set
from datetime import timedelta

from django.db import connection
from django.db.models import BigIntegerField, Func
from django.utils import timezone

from accounts.models import CredentialChange

CHANNEL = "credential_changes"
"""Where PostgreSQL tells those who listen that there is something new to read."""

KEPT = timedelta(days=1)
REMEMBERED_S = 3600.0
"""A reader that was silent for longer cannot rely on the log."""

_BEYOND = 2**63 - 1
_QUESTION = (
    "SELECT {position}, change.id, change.account_id"
    " FROM (SELECT 1) AS once LEFT JOIN accounts_credentialchange AS change ON change.{order} >= %s"
)
_QUESTIONS = {
    "postgresql": _QUESTION.format(
        position="pg_snapshot_xmin(pg_current_snapshot())::text::bigint", order="transaction_id"
    ),
    "sqlite": _QUESTION.format(
        position="(SELECT COALESCE(MAX(id), 0) + 1 FROM accounts_credentialchange)", order="id"
    ),
}


def record(account_id: int) -> None:
    """Note that the account's credentials change. Call inside the transaction."""
    is_postgres = connection.vendor == "postgresql"
    transaction_id = (
        Func(template="pg_current_xact_id()::text::bigint", output_field=BigIntegerField())
        if is_postgres
        else None
    )
    CredentialChange.objects.create(account_id=account_id, transaction_id=transaction_id)
    if is_postgres:
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


def forget_old() -> None:
    """Delete the entries that every process has read long ago."""
    CredentialChange.objects.filter(changed_at__lt=timezone.now() - KEPT).delete()


class ChangeReader:
    """Where one process stands in the log. Not thread-safe."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._position: int | None = None
        self._seen: frozenset[int] = frozenset()
        self._read_s = 0.0

    def read(self) -> Set[int] | None:
        """Return the accounts whose credentials have changed since the last time.

        None where that cannot be known: at the first time, and after an hour without. Raises
        django.db.Error.
        """
        began_s = self._clock()
        is_first = self._position is None or began_s - self._read_s > REMEMBERED_S
        with connection.cursor() as cursor:
            cursor.execute(_QUESTIONS[connection.vendor], [_BEYOND if is_first else self._position])
            rows = cursor.fetchall()
        changes = {entry_id: account_id for _, entry_id, account_id in rows if entry_id is not None}
        fresh = {changes[entry_id] for entry_id in changes.keys() - self._seen}
        self._position, self._seen, self._read_s = rows[0][0], frozenset(changes), began_s
        return None if is_first else fresh
