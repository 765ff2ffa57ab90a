"""Reads usage by day: exact at every moment, including generations not yet aggregated."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.db import DatabaseError, InterfaceError
from django.db.models import Sum

from billing.errors import MoneyStoreUnavailable
from billing.models import Generation, UsageDay
from billing.usage.aggregation import FIGURES, SUMS, counted_until

Group = Literal["day", "model", "credential"]


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Usage of a group; columns not grouped by are None. `cost_nano` is what the account paid."""

    day: date | None
    model_id: str | None
    credential: tuple[str, int] | None
    requests: int
    errors: int
    tokens_prompt: int
    tokens_completion: int
    tokens_cached: int
    cost_nano: int
    upstream_cost_nano: int


def rows(
    account_id: int,
    since: date,
    until: date,
    group: Collection[Group] = ("day", "model", "credential"),
) -> list[UsageRow]:
    """Return an account's usage between two days in Moscow, both included, newest first.

    One statement reads the days and the generations that are not aggregated yet, so that an aggregation
    in between changes nothing. Raises MoneyStoreUnavailable.
    """
    mine = {"account_id": account_id, "day__range": (since, until)}
    what = ("day", "model_id", "credential_kind", "credential_id")
    counted = UsageDay.objects.filter(**mine).values_list(*what, *FIGURES)
    fresh = (
        Generation.objects.filter(id__gte=counted_until(), **mine)
        .values(*what)
        .annotate(**SUMS)
        .values_list(*what, *SUMS)
    )
    totals: dict[tuple[Any, ...], list[int]] = {}
    try:
        for day, model_id, kind, credential_id, *figures in counted.union(fresh, all=True):
            key = (
                day if "day" in group else None,
                model_id if "model" in group else None,
                (kind, credential_id) if "credential" in group else None,
            )
            known = totals.setdefault(key, [0] * len(FIGURES))
            totals[key] = [a + int(b) for a, b in zip(known, figures, strict=True)]
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    found = [UsageRow(*key, *figures) for key, figures in totals.items()]
    found.sort(key=lambda row: (row.model_id or "", row.credential or ("", 0)))
    return sorted(found, key=lambda row: row.day or date.min, reverse=True)


def rows_of_all(day: date) -> list[UsageRow]:
    """Return what all accounts used on a day in Moscow, by model. Raises MoneyStoreUnavailable."""
    counted = UsageDay.objects.filter(day=day).values("model_id")
    fresh = Generation.objects.filter(id__gte=counted_until(), day=day).values("model_id")
    sums = {f"sum_{name}": Sum(name) for name in FIGURES}
    both = (
        counted.annotate(**sums)
        .values_list("model_id", *sums)
        .union(fresh.annotate(**SUMS).values_list("model_id", *SUMS), all=True)
    )
    totals: dict[str, list[int]] = {}
    try:
        for model_id, *figures in both:
            known = totals.setdefault(model_id, [0] * len(FIGURES))
            totals[model_id] = [a + int(b) for a, b in zip(known, figures, strict=True)]
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    return [UsageRow(day, model_id, None, *totals[model_id]) for model_id in sorted(totals)]


def active_accounts(day: date) -> int:
    """Return how many accounts sent requests on a day in Moscow. Raises MoneyStoreUnavailable."""
    counted = UsageDay.objects.filter(day=day).values("account_id")
    fresh = Generation.objects.filter(id__gte=counted_until(), day=day).values("account_id")
    try:
        return counted.union(fresh).count()
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
