"""The service's revenue and costs of a day, and what is open now; exact when read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, F, Sum
from django.db.models.functions import Coalesce

from billing.models import Hold, LowBalanceAlert
from billing.usage import usage_days
from billing.usage.usage_days import UsageRow
from infra.replica import from_replica

MOST_MODELS = 5


@dataclass(frozen=True, slots=True)
class ModelRevenue:
    """Requests to one model, and what was paid for them."""

    model_id: str
    requests: int
    revenue_nano: int


@dataclass(frozen=True, slots=True)
class DayRevenue:
    """A day in Moscow. `revenue_nano` is what accounts paid, `upstream_cost_nano` what we pay.

    Requests that had a hold are counted; the upstream cost is zero where the price is unknown.
    """

    day: date
    requests: int
    errors: int
    revenue_nano: int
    upstream_cost_nano: int
    active_accounts: int
    top_models: tuple[ModelRevenue, ...]

    @property
    def margin_nano(self) -> int:
        return self.revenue_nano - self.upstream_cost_nano

    @property
    def margin_percent(self) -> Decimal | None:
        """The margin in percent of the revenue; None where there was none."""
        return _percent(self.margin_nano, self.revenue_nano)

    @property
    def error_percent(self) -> Decimal | None:
        """None where there were no requests."""
        return _percent(self.errors, self.requests)


@dataclass(frozen=True, slots=True)
class OpenPositions:
    """What is open now: running requests with their holds, and accounts with a low balance."""

    open_holds: int
    held_nano: int
    low_balances: int


@from_replica
def of_day(day: date) -> DayRevenue:
    """Return the figures of one day. Raises MoneyStoreUnavailable."""
    rows = usage_days.rows_of_all(day)
    return DayRevenue(
        day=day,
        requests=sum(row.requests for row in rows),
        errors=sum(row.errors for row in rows),
        revenue_nano=sum(row.cost_nano for row in rows),
        upstream_cost_nano=sum(row.upstream_cost_nano for row in rows),
        active_accounts=usage_days.active_accounts(day),
        top_models=_top(rows),
    )


def open_positions() -> OpenPositions:
    """Return what is open. Raises django.db.Error."""
    holds = Hold.objects.aggregate(number=Count("id"), held=Coalesce(Sum("amount_nano"), 0))
    low = LowBalanceAlert.objects.filter(
        account__credits__posted_nano__lt=F("threshold_nano"), account__suspended_at=None
    )
    return OpenPositions(holds["number"], int(holds["held"]), low.count())


def _top(rows: Sequence[UsageRow]) -> tuple[ModelRevenue, ...]:
    ordered = sorted(rows, key=lambda row: (-row.requests, row.model_id or ""))
    return tuple(
        ModelRevenue(row.model_id or "", row.requests, row.cost_nano)
        for row in ordered[:MOST_MODELS]
    )


def _percent(part: int, whole: int) -> Decimal | None:
    if not whole:
        return None
    return (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.1"))
