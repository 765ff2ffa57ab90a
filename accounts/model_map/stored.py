"""Reads an account's model map: for its callers with their credential, and for those who manage it."""

from collections.abc import Sequence
from dataclasses import replace

from accounts.model_map.matching import ModelMap
from accounts.models import Account, AccountModelMap
from accounts.principal import Principal

MODEL_MAP_ROW = "model_map_row"
ROW_OF_ACCOUNT = f"account__{MODEL_MAP_ROW}"
"""What a query for a credential joins, so that `with_model_map` asks nothing more."""
MODEL_MAP_ENTRIES = f"{ROW_OF_ACCOUNT}__entries"


def with_model_map(principal: Principal, account: Account) -> Principal:
    """Return the caller with the map of its account, which was read with ROW_OF_ACCOUNT."""
    row: AccountModelMap | None = getattr(account, MODEL_MAP_ROW, None)
    return with_entries(principal, None if row is None else row.entries)


def with_entries(principal: Principal, entries: Sequence[tuple[str, str]] | None) -> Principal:
    """Return the caller with the map of its account: MODEL_MAP_ENTRIES of it, None where there is none."""
    return (
        principal if entries is None else replace(principal, model_map=ModelMap.of(dict(entries)))
    )


def entries_of(account_id: int) -> dict[str, str]:
    """Return the names with their models, in the order in which they were given."""
    row = AccountModelMap.objects.filter(account=account_id).first()
    return dict(row.entries) if row else {}
