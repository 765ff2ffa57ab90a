"""Set new prices for callers: what providers charge us, and a margin."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from billing.prices import current_upstream_prices, date_prices
from billing.pricing import Rates, dearest
from gateway.models import Route


@dataclass(frozen=True, slots=True)
class Repricing:
    """The ids of the models whose price changes, and of those that have a route of unknown cost."""

    changed: list[str]
    unknown: list[str]


def reprice(margin_percent: Decimal, valid_from: datetime | None = None) -> Repricing:
    """Set a price for every model from `valid_from` (None: now): its dearest route's cost and the margin.

    A model with a route of unknown cost keeps its price. Idempotent: a price that is right already is left
    alone. Raises ValueError for a moment in the past.
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
        model_id: dearest(rates).with_margin(margin_percent)
        for model_id, rates in known.items()
        if model_id not in unknown
    }
    return Repricing(sorted(date_prices(wanted, valid_from)), sorted(unknown))
