"""Release the holds of dead processes: those without a heartbeat for a minute."""

import logging
from collections.abc import Sequence

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from billing.ledger import sql
from billing.ledger.locked_account import LockedAccounts
from billing.usage.generations import GenerationFacts
from infra.own_connection import limit_waits

PROCESS_LOST = "process_lost"
MOST_ACCOUNTS_AT_ONCE = 256

_ADVISORY_LOCK = 0x4F1D5  # of this sweep alone, among all that lock so in the database

logger = logging.getLogger(__name__)


def release_lost(
    cursor: CursorWrapper, locked_accounts: LockedAccounts, account_ids: Sequence[int]
) -> int:
    """Void, in full, the lost holds of accounts that are locked; return how many there were.

    The caller writes the locked accounts.
    """
    lost = sql.take_lost_holds(cursor, account_ids)
    for hold in lost.values():
        locked_account = locked_accounts.get(hold.account_id)
        if locked_account is not None:
            locked_account.hold(-hold.amount_nano)
    records = [
        (hold, GenerationFacts(hold.requested_model, error_code=PROCESS_LOST), 0, 0)
        for hold in lost.values()
    ]
    sql.run(cursor, sql.insert_generations(records))
    if lost:
        logger.warning("%d holds of lost processes were released.", len(lost))
    return len(lost)


def sweep() -> int:
    """Void every lost hold; return how many. Does nothing while another process sweeps."""
    released = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            limit_waits()
            if not _is_ours(cursor):
                return released
            account_ids = sql.accounts_with_lost_holds(cursor, MOST_ACCOUNTS_AT_ONCE)
            if not account_ids:
                return released
            locked_accounts = LockedAccounts.lock(cursor, account_ids)
            released += release_lost(cursor, locked_accounts, account_ids)
            sql.run(cursor, locked_accounts.changes())


def _is_ours(cursor: CursorWrapper) -> bool:
    """Say whether this process sweeps; SQLite lets one write anyhow."""
    if connection.vendor != "postgresql":
        return True
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
    return bool(cursor.fetchone()[0])
