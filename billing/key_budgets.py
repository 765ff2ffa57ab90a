"""What many keys have spent, and how their budgets stand, read at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from accounts.principal import KeyBudget, LimitReset
from billing.errors import MoneyStoreUnavailable
from billing.models import Hold, Spending
from billing.periods import moscow_day, period_start

_RESETS: tuple[LimitReset | None, ...] = ("daily", "weekly", "monthly", None)

_Sums = dict[int, dict[LimitReset | None, int]]


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """What a key has spent today and ever; `used_nano` is what its budget counts, holds included.

    The last two are None where there is no budget.
    """

    today_nano: int = 0
    total_nano: int = 0
    used_nano: int | None = None
    left_nano: int | None = None


def standings(budgets: Mapping[int, KeyBudget | None]) -> dict[int, KeyStanding]:
    """Return how each key, by its id, stands. Raises MoneyStoreUnavailable."""
    today = moscow_day(timezone.now())
    try:
        spent = _sums(Spending.objects.all(), "spent_nano", budgets, today)
        held = _sums(Hold.objects.all(), "amount_nano", budgets, today)
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    return {
        key_id: _standing(budget, spent.get(key_id, {}), held.get(key_id, {}))
        for key_id, budget in budgets.items()
    }


def _sums(rows: QuerySet[Any], amount: str, key_ids: Mapping[int, object], today: date) -> _Sums:
    """Add up an amount by key, from the first day of each kind of period on."""
    mine = rows.filter(credential_kind="key", credential_id__in=list(key_ids))
    sums = {
        str(reset): Sum(amount, filter=Q(day__gte=period_start(reset, today))) for reset in _RESETS
    }
    return {
        row["credential_id"]: {reset: int(row[str(reset)] or 0) for reset in _RESETS}
        for row in mine.values("credential_id").annotate(**sums)
    }


def _standing(
    budget: KeyBudget | None,
    spent: Mapping[LimitReset | None, int],
    held: Mapping[LimitReset | None, int],
) -> KeyStanding:
    today_nano, total_nano = spent.get("daily", 0), spent.get(None, 0)
    if budget is None:
        return KeyStanding(today_nano, total_nano)
    used_nano = spent.get(budget.reset, 0) + held.get(budget.reset, 0)
    return KeyStanding(today_nano, total_nano, used_nano, max(0, budget.limit_nano - used_nano))
