"""The chain of an account's ledger entries: the digest of each covers the one before. Pure.

Whoever changes an entry, takes one out or puts one in breaks the chain there; the digest of the last
one stands on the account's own row.
"""

import hashlib
import uuid
from datetime import UTC, datetime

import orjson


def digest_of(
    previous: bytes,
    *,
    account_id: int,
    kind: str,
    amount_nano: int,
    balance_nano: int,
    created_at: datetime,
    generation_id: uuid.UUID | None = None,
    payment_id: str = "",
    reason: str = "",
    actor_id: int | None = None,
) -> bytes:
    """Return the SHA-256 of an entry and of the digest before it, which is empty for the first one.

    What is digested is kept for good: a change of its form would break every chain there is.
    """
    content = [
        *(account_id, kind, amount_nano, balance_nano, created_at.astimezone(UTC)),
        *(generation_id, payment_id, reason, actor_id),
    ]
    return hashlib.sha256(previous + orjson.dumps(content)).digest()
