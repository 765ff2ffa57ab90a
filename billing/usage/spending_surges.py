"""Finds keys and accounts that spend far more today than in the week before, for their owners to confirm."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Sum
from django.utils import timezone

from accounts.security import events
from accounts.security.models import Signal
from billing.models import Generation, UsageDay
from billing.usage import usage_days
from billing.usage.aggregation import SUMS, counted_until
from infra.credits import NANO_PER_CREDIT
from infra.moscow_time import moscow_day

DAYS_BEFORE = 7
DAYS_WITH_SPENDING = 3
TIMES_THE_MEAN = 10
LEAST_NANO = 100 * NANO_PER_CREDIT
SHARE = 10
"""Of an account's surge, keys with a tenth of the day's spending are the cause."""

Spending = Mapping[date, int]


@dataclass(frozen=True, slots=True)
class Surge:
    """A day's spending above the usual; `key_id` None: of an account by other credentials than keys."""

    key_id: int | None
    of: str
    spent_nano: int
    mean_nano: int


def find(today: date | None = None) -> None:
    """Raise an event for each surge of a day in Moscow. Raises django.db.Error, MoneyStoreUnavailable."""
    today = today or moscow_day(timezone.now())
    since = today - timedelta(days=DAYS_BEFORE)
    for account_id in _spenders(today):
        by_credential: dict[tuple[str, int], dict[date, int]] = defaultdict(dict)
        for row in usage_days.rows(account_id, since, today, ("day", "credential")):
            if row.day is not None and row.credential is not None:
                by_credential[row.credential][row.day] = row.cost_nano
        for surge in surges(by_credential, today):
            events.raise_event(
                Signal.UNUSUAL_SPENDING,
                account_id=account_id,
                key_id=surge.key_id,
                evidence={
                    "of": surge.of,
                    "spent_nano": surge.spent_nano,
                    "mean_nano": surge.mean_nano,
                },
            )


def surges(by_credential: Mapping[tuple[str, int], Spending], today: date) -> Iterator[Surge]:
    """Yield what surges of an account, each key once, and once what is spent without a key. Pure."""
    whole: dict[date, int] = defaultdict(int)
    for spending in by_credential.values():
        for day, spent_nano in spending.items():
            whole[day] += spent_nano
    mean_of_all_nano = _usual_nano(whole, today)
    is_without_key_told = False
    for (kind, credential_id), spending in by_credential.items():
        spent_nano = spending.get(today, 0)
        key_id = credential_id if kind == "key" else None
        mean_nano = _usual_nano(spending, today)
        if mean_nano is not None and key_id is not None:
            yield Surge(key_id, "key", spent_nano, mean_nano)
        elif mean_of_all_nano is not None and spent_nano * SHARE >= whole[today]:
            if key_id is None and is_without_key_told:
                continue
            is_without_key_told = is_without_key_told or key_id is None
            yield Surge(key_id, "account", whole[today], mean_of_all_nano)


def _usual_nano(spending: Spending, today: date) -> int | None:
    """Return the mean of the days before where today is a surge above it, else None."""
    spent_nano = spending.get(today, 0)
    before = [spending.get(today - timedelta(days=ago), 0) for ago in range(1, DAYS_BEFORE + 1)]
    if (
        spent_nano < LEAST_NANO
        or sum(each > 0 for each in before) < DAYS_WITH_SPENDING
        or spent_nano * DAYS_BEFORE <= TIMES_THE_MEAN * sum(before)
    ):
        return None
    return sum(before) // DAYS_BEFORE


def _spenders(today: date) -> list[int]:
    """Return the accounts that have spent enough today to be looked at."""
    totals: dict[int, int] = defaultdict(int)
    counted = UsageDay.objects.filter(day=today).values("account_id")
    fresh = Generation.objects.filter(id__gte=counted_until(), day=today).values("account_id")
    both = (
        counted.annotate(spent=Sum("cost_nano"))
        .values_list("account_id", "spent")
        .union(fresh.annotate(spent=SUMS["sum_cost"]).values_list("account_id", "spent"), all=True)
    )
    for account_id, spent_nano in both:
        totals[account_id] += int(spent_nano)
    return [account_id for account_id, spent_nano in totals.items() if spent_nano >= LEAST_NANO]
