"""The process behind a worker: it reads a JSON object a line and answers each with one.

While the database is away it tries again; it may then do a thing twice, which must not matter.
"""

import datetime as dt
import json
import logging
import sys
import time
import uuid
from typing import Any

import django

django.setup()

from django.db import DatabaseError, InterfaceError, connection, transaction  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from accounts.keys import issuing  # noqa: E402
from accounts.keys.key_format import digest_of  # noqa: E402
from accounts.models import Account, APIKey  # noqa: E402
from billing.errors import BillingError  # noqa: E402
from billing.ledger import ledger  # noqa: E402
from billing.ledger.sweep import sweep  # noqa: E402
from billing.models import Payment, ProcessLease  # noqa: E402

PATIENCE_S = 60
Words = dict[str, Any]


def main() -> None:
    """Serve until the standard input ends."""
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    for line in sys.stdin:
        words: Words = json.loads(line)
        answer = patiently(words.pop("do"), words)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def patiently(do: str, words: Words) -> Words:
    """Do one thing, again and again while the database is away."""
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return TASKS[do](**words)
        except BillingError as error:
            return {"error": type(error).__name__}
        except (DatabaseError, InterfaceError):
            connection.close()
            if time.monotonic() > give_up_s:
                raise
            time.sleep(0.1)


def top_up(account: int, amount_nano: int, payment: str) -> Words:
    with transaction.atomic():
        movement = ledger.top_up(account, amount_nano, payment_id=payment)
        if movement.is_new:
            Payment.objects.create(
                account_id=account,
                amount_nano=amount_nano,
                provider_id=payment,
                status=Payment.Status.SUCCEEDED,
                entry_id=movement.entry_id,
            )
    return {}


def refund(generation: str) -> Words:
    ledger.refund(uuid.UUID(generation), reason="Chaos.", actor_id=None)
    return {}


def issue(account: int, is_test: bool) -> Words:
    found = Account.objects.get(pk=account)
    _, raw = issuing.issue(account=found, user=found.owner, name="chaos", is_test=is_test)
    return {"key": raw}


def revoke(key: str) -> Words:
    """End a key, and say when that was done: Unix seconds."""
    issuing.revoke(key=APIKey.objects.get(digest=digest_of(key)))
    return {"at": time.time()}


def sweep_up() -> Words:
    """Let every lease lapse, and release what was held: of a service that runs no more."""
    ProcessLease.objects.update(renewed_at=Now() - dt.timedelta(seconds=120))
    return {"released": sweep()}


TASKS = {task.__name__: task for task in (top_up, refund, issue, revoke, sweep_up)}

if __name__ == "__main__":
    main()
