"""New prices for callers, from what providers charge us and a margin."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from billing.prices import current_upstream_prices, date_prices
from billing.pricing import Rates
from gateway.models import Route


@dataclass(frozen=True, slots=True)
class Repricing:
    """The ids of the models whose price changes, and of those that have a route of unknown cost."""

    changed: list[str]
    unknown: list[str]


def reprice(margin_percent: Decimal, valid_from: datetime | None = None) -> Repricing:
    """Date a price for every model: that of its dearest route then, and the margin. None means now.

    A model with a route of unknown cost keeps its price. What is right already is left alone, so that
    doing it twice is doing it once. Raises ValueError for a moment that has passed.
    """
    costs = current_upstream_prices(valid_from or timezone.now())
    known: dict[str, list[Rates]] = defaultdict(list)
    unknown: set[str] = set()
    routes = Route.objects.filter(enabled=True, model__is_auto=False)
    for model_id, provider, upstream_id in routes.values_list(
        "model__public_id", "provider", "upstream_id"
    ):
        cost = costs.get((provider, upstream_id))
        if cost is None:
            unknown.add(model_id)
        else:
            known[model_id].append(cost.rates)
    wanted = {
        model_id: _dearest(rates).with_margin(margin_percent)
        for model_id, rates in known.items()
        if model_id not in unknown
    }
    return Repricing(sorted(date_prices(wanted, valid_from)), sorted(unknown))


def _dearest(rates: Sequence[Rates]) -> Rates:
    """Return the highest rate of each kind: whichever route answers, it costs no more."""
    return Rates(
        max(rate.prompt_nano for rate in rates),
        max(rate.completion_nano for rate in rates),
        max(rate.cached_nano for rate in rates),
    )
