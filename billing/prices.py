"""The prices in force at a moment, as they are dated: what callers pay, and what we pay providers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from billing.models import Price, UpstreamPrice
from billing.pricing import PriceValue, Rates

UpstreamName = tuple[str, str]
"""A provider's slug, and its own name of a model."""

_VALUES = ("id", "prompt_nano", "completion_nano", "cached_nano")


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """A price of callers, and the moment that it holds from."""

    price: PriceValue
    valid_from: datetime


def find(price_id: int) -> DatedPrice | None:
    """Return one price, in force or not any more. Raises django.db.Error."""
    row = Price.objects.filter(pk=price_id).values_list("valid_from", *_VALUES).first()
    return DatedPrice(PriceValue(*row[1:]), row[0]) if row else None


def current_prices(at: datetime) -> dict[str, PriceValue]:
    """Return each model's newest price that is valid at `at`. Raises django.db.Error."""
    rows = Price.objects.filter(valid_from__lte=at).order_by("valid_from")
    return {
        model_id: PriceValue(*price) for model_id, *price in rows.values_list("model_id", *_VALUES)
    }


def current_upstream_prices(at: datetime) -> dict[UpstreamName, PriceValue]:
    """Return what each upstream model costs us at `at`. Raises django.db.Error."""
    rows = UpstreamPrice.objects.filter(valid_from__lte=at).order_by("valid_from")
    return {
        (provider, upstream_id): PriceValue(*price)
        for provider, upstream_id, *price in rows.values_list("provider", "upstream_id", *_VALUES)
    }


def date_prices(wanted: Mapping[str, Rates], valid_from: datetime | None) -> list[str]:
    """Let models, by id, cost what is wanted from a moment on; return those whose price that changes.

    None means now. What is in force already, or dated to another moment, stays as it is; what is dated
    to this very moment is replaced. Raises ValueError for a moment that has passed.
    """
    with transaction.atomic():
        now = timezone.now()
        if valid_from is not None and valid_from <= now:
            raise ValueError(
                f"{valid_from:%Y-%m-%d %H:%M %Z} has passed: what was in force then stays."
            )
        valid_from = valid_from or now
        before = current_prices(valid_from)
        changed = [
            model_id
            for model_id, rates in wanted.items()
            if model_id not in before or before[model_id].rates != rates
        ]
        for model_id in changed:
            Price.objects.update_or_create(
                model_id=model_id, valid_from=valid_from, defaults=asdict(wanted[model_id])
            )
    return changed
