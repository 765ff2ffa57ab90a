"""What the service took in and paid out on a day, and what stands open; exact at the moment it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, F, Sum
from django.db.models.functions import Coalesce

from billing import usage
from billing.models import Hold, LowBalanceAlert
from billing.usage import UsageRow

MOST_MODELS = 5


@dataclass(frozen=True, slots=True)
class ModelTakings:
    """What callers asked of one model, and paid for it."""

    model_id: str
    requests: int
    revenue_nano: int


@dataclass(frozen=True, slots=True)
class DayTakings:
    """One of Moscow's days. `revenue_nano` is what accounts paid, `upstream_cost_nano` what we pay.

    A request counts once it had a hold; its cost upstream is zero where nobody knows the price.
    """

    day: date
    requests: int
    errors: int
    revenue_nano: int
    upstream_cost_nano: int
    active_accounts: int
    top_models: tuple[ModelTakings, ...]

    @property
    def margin_nano(self) -> int:
        return self.revenue_nano - self.upstream_cost_nano

    @property
    def margin_percent(self) -> Decimal | None:
        """The margin's part of the revenue; None where nothing was paid."""
        return _percent(self.margin_nano, self.revenue_nano)

    @property
    def error_percent(self) -> Decimal | None:
        """None where nobody asked."""
        return _percent(self.errors, self.requests)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is open now: requests that run, with their money, and accounts that ran low."""

    open_holds: int
    held_nano: int
    low_balances: int


def of_day(day: date) -> DayTakings:
    """Return the takings of one day. Raises MoneyStoreUnavailable."""
    rows = usage.rows_of_all(day)
    return DayTakings(
        day=day,
        requests=sum(row.requests for row in rows),
        errors=sum(row.errors for row in rows),
        revenue_nano=sum(row.cost_nano for row in rows),
        upstream_cost_nano=sum(row.upstream_cost_nano for row in rows),
        active_accounts=usage.active_accounts(day),
        top_models=_top(rows),
    )


def standing() -> Standing:
    """Return what is open. Raises django.db.Error."""
    holds = Hold.objects.aggregate(number=Count("id"), held=Coalesce(Sum("amount_nano"), 0))
    low = LowBalanceAlert.objects.filter(
        account__credits__posted_nano__lt=F("threshold_nano"), account__suspended_at=None
    )
    return Standing(holds["number"], int(holds["held"]), low.count())


def _top(rows: Sequence[UsageRow]) -> tuple[ModelTakings, ...]:
    ordered = sorted(rows, key=lambda row: (-row.requests, row.model_id or ""))
    return tuple(
        ModelTakings(row.model_id or "", row.requests, row.cost_nano)
        for row in ordered[:MOST_MODELS]
    )


def _percent(part: int, whole: int) -> Decimal | None:
    if not whole:
        return None
    return (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.1"))
