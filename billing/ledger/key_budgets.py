"""What credentials have spent, and what is left of their budgets.

A budget counts by Moscow's days, by weeks from Monday, by months, or over the whole life of its key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from accounts.principal import CredentialKind, KeyBudget, LimitReset, Principal
from billing.errors import MoneyStoreUnavailable
from billing.models import Hold, Spending
from infra.moscow_time import moscow_day

_RESETS: tuple[LimitReset | None, ...] = ("daily", "weekly", "monthly", None)

_Sums = dict[int, dict[LimitReset | None, int]]


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """What a credential has spent in the running periods and ever.

    `used_nano` is what its budget counts, holds included; it and `left_nano` are None where there is none.
    """

    today_nano: int = 0
    total_nano: int = 0
    used_nano: int | None = None
    left_nano: int | None = None
    week_nano: int = 0
    month_nano: int = 0


def standings(
    budgets: Mapping[int, KeyBudget | None], kind: CredentialKind = "key"
) -> dict[int, KeyStanding]:
    """Return how each credential, by its id, stands. Raises MoneyStoreUnavailable."""
    today = moscow_day(timezone.now())
    sharing = {
        key_id: (key_id,) if budget is None else budget.key_ids or (key_id,)
        for key_id, budget in budgets.items()
    }
    ids = set(budgets).union(*sharing.values())
    try:
        spent = _sums(Spending.objects.filter(credential_kind=kind), "spent_nano", ids, today)
        held = _sums(Hold.objects.filter(credential_kind=kind), "amount_nano", ids, today)
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    return {
        key_id: _standing(
            budget,
            spent.get(key_id, {}),
            [sums.get(shared_id, {}) for shared_id in sharing[key_id] for sums in (spent, held)],
        )
        for key_id, budget in budgets.items()
    }


def standing_of(principal: Principal) -> KeyStanding:
    """Return how a caller's credential stands. Raises MoneyStoreUnavailable."""
    budgets = {principal.credential_id: principal.budget}
    return standings(budgets, principal.credential_kind)[principal.credential_id]


def period_start(reset: LimitReset | None, today: date) -> date:
    """Return the first day of the running period; that of a budget without reset is the first of all."""
    match reset:
        case "daily":
            return today
        case "weekly":
            return today - timedelta(days=today.weekday())
        case "monthly":
            return today.replace(day=1)
        case None:
            return date.min


def _sums(rows: QuerySet[Any], amount: str, ids: Iterable[int], today: date) -> _Sums:
    """Add up an amount by credential, from the first day of each kind of period on."""
    mine = rows.filter(credential_id__in=list(ids))
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
    counted: Iterable[Mapping[LimitReset | None, int]],
) -> KeyStanding:
    """Return the standing of a credential that has spent this, `counted` being what its budget counts."""
    used_nano = left_nano = None
    if budget is not None:
        used_nano = sum(sums.get(budget.reset, 0) for sums in counted)
        left_nano = max(0, budget.limit_nano - used_nano)
    return KeyStanding(
        today_nano=spent.get("daily", 0),
        week_nano=spent.get("weekly", 0),
        month_nano=spent.get("monthly", 0),
        total_nano=spent.get(None, 0),
        used_nano=used_nano,
        left_nano=left_nano,
    )
