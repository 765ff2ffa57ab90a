"""Giving back what dead processes hold: those whose lease nobody renewed for a minute."""

import logging
from collections.abc import Sequence

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from billing import statements
from billing.generations import GenerationFacts
from billing.purses import Purses

PROCESS_LOST = "process_lost"
MOST_ACCOUNTS_AT_ONCE = 256

_ADVISORY_LOCK = 0x4F1D5  # of this sweep alone, among all that lock so in the database

logger = logging.getLogger(__name__)


def release_lost(cursor: CursorWrapper, purses: Purses, account_ids: Sequence[int]) -> int:
    """Void, in full, the lost holds of accounts that are locked; return how many there were.

    The caller writes the purses.
    """
    lost = statements.take_lost_holds(cursor, account_ids)
    for hold in lost.values():
        purse = purses.get(hold.account_id)
        if purse is not None:
            purse.hold(-hold.amount_nano)
    records = [
        (hold, GenerationFacts(hold.requested_model, error_code=PROCESS_LOST), 0, 0)
        for hold in lost.values()
    ]
    statements.run(cursor, statements.insert_generations(records))
    if lost:
        logger.warning("%d holds of lost processes were released.", len(lost))
    return len(lost)


def sweep() -> int:
    """Void every lost hold; return how many. Does nothing while another process sweeps."""
    released = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            if not _is_ours(cursor):
                return released
            account_ids = statements.accounts_with_lost_holds(cursor, MOST_ACCOUNTS_AT_ONCE)
            if not account_ids:
                return released
            purses = Purses.lock(cursor, account_ids)
            released += release_lost(cursor, purses, account_ids)
            statements.run(cursor, purses.changes())


def _is_ours(cursor: CursorWrapper) -> bool:
    """Say whether this process sweeps; SQLite lets one write anyhow."""
    if connection.vendor != "postgresql":
        return True
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
    return bool(cursor.fetchone()[0])
