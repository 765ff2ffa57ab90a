"""Dated prices: what callers pay, and what providers charge us, at a given moment."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from billing.models import Price, UpstreamPrice
from billing.pricing import PriceValue, Rates

UpstreamName = tuple[str, str]
"""A provider's slug, and its own name of a model."""

_VALUES = ("id", "prompt_nano", "completion_nano", "cached_nano", "valid_from")


def find(price_id: int) -> PriceValue | None:
    """Return one price, in force or not any more. Raises django.db.Error."""
    row = Price.objects.filter(pk=price_id).values_list(*_VALUES).first()
    return PriceValue(*row) if row else None


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


def date_upstream_price(name: UpstreamName, rates: Rates, source: str) -> None:
    """Say what an upstream model costs us from now on, and who says so."""
    provider, upstream_id = name
    UpstreamPrice.objects.create(
        provider=provider,
        upstream_id=upstream_id,
        valid_from=timezone.now(),
        source=source,
        **asdict(rates),
    )


def date_prices(wanted: Mapping[str, Rates], valid_from: datetime | None) -> list[str]:
    """Set the prices of models, by id, from a moment on; return the ids whose price that changes.

    None means now. Prices already in force, or dated to another moment, stay; one dated to exactly this
    moment is replaced. Raises ValueError for a moment that has passed.
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
