"""A reader's own last days, as a month to compute with and what they paid for it."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils import timezone

from accounts.signin.sessions import account_of
from billing.errors import MoneyStoreUnavailable
from billing.usage import usage_days
from infra.moscow_time import moscow_day
from web.public.month import Month

OWN_DAYS = 30


@dataclass(frozen=True, slots=True)
class OwnMonth:
    """The requests of the last days at their average size; `paid_nano` is what they cost."""

    month: Month
    paid_nano: int

    @property
    def query(self) -> str:
        """Return the month as the fields of an address."""
        return urlencode(asdict(self.month))


def own_month(request: HttpRequest) -> OwnMonth | None:
    """Return a reader's own last days; None of a stranger, or where there were none."""
    if not request.user.is_authenticated:
        return None
    today = moscow_day(timezone.now())
    since = today - timedelta(days=OWN_DAYS - 1)
    try:
        rows = usage_days.rows(account_of(request).pk, since, today, group=[])
    except MoneyStoreUnavailable:
        return None
    month = Month.of_usage(rows)
    return OwnMonth(month, sum(row.cost_nano for row in rows)) if month.is_told else None
