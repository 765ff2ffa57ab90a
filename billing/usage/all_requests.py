"""An account's requests, those that were run and those that were refused, in one order."""

import uuid

from billing.usage import generations, refusals
from billing.usage.generations import GenerationRecord, Wanted
from billing.usage.refusals import RefusedRequest


def latest(
    account_id: int,
    wanted: Wanted,
    *,
    most: int,
    before: uuid.UUID | None = None,
    run: bool = True,
    refused: bool = True,
) -> list[GenerationRecord | RefusedRequest]:
    """Return at most `most` requests of both kinds, or of one, newest first, those before an id.

    Raises MoneyStoreUnavailable.
    """
    found: list[GenerationRecord | RefusedRequest] = []
    if run:
        found += generations.latest(account_id, wanted, most=most, before=before)
    if refused:
        found += refusals.latest(account_id, wanted, most=most, before=before)
    return sorted(found, key=lambda record: record.id, reverse=True)[:most]
