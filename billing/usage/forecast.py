"""How long a balance lasts at the pace of the last days. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from infra.credits import NANO_PER_KOPECK
from infra.moscow_time import midnight, moscow_day

PACE_DAYS = 7
LEAST_DAYS_OF_SPENDING = 3
FARTHEST = timedelta(days=365)
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a day costs on average, in whole kopecks, and when nothing is left; None: not in a year."""

    daily_nano: int
    ends_at: datetime | None


def forecast(posted_nano: int, spent: Mapping[date, int], now: datetime) -> Forecast | None:
    """Return when the balance runs out; `spent` is nano-credits by day in Moscow.

    The pace is that of the last seven whole days and of today, or since the first spending where
    that is later. None where the balance is empty, or where money was spent on too few days.
    """
    days = sorted(day for day, amount_nano in spent.items() if amount_nano > 0)
    window = moscow_day(now) - timedelta(days=PACE_DAYS)
    recent = [day for day in days if day >= window]
    if posted_nano <= 0 or len(recent) < LEAST_DAYS_OF_SPENDING:
        return None
    elapsed_s = int((now - midnight(max(window, days[0]))).total_seconds())
    spent_nano = sum(spent[day] for day in recent)
    daily_nano = round(Fraction(spent_nano * DAY_S, elapsed_s * NANO_PER_KOPECK)) * NANO_PER_KOPECK
    left_s = posted_nano * elapsed_s // spent_nano
    ends_at = now + timedelta(seconds=left_s) if left_s <= FARTHEST.total_seconds() else None
    return Forecast(daily_nano, ends_at)
