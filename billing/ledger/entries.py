"""Ledger entries as the account's owner reads them."""

from billing.models import LedgerEntry as LedgerEntry
from infra.replica import from_replica


@from_replica
def latest(account_id: int, count: int, before: int | None = None) -> list[LedgerEntry]:
    """Return an account's newest entries, or the newest of those with an id below `before`."""
    entries = LedgerEntry.objects.filter(account=account_id)
    if before is not None:
        entries = entries.filter(pk__lt=before)
    return list(entries.order_by("-pk")[:count])
