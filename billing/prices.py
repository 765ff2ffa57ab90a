"""The prices in force at a moment, as the operators dated them."""

from datetime import datetime

from billing.models import Price
from billing.pricing import PriceValue


def current_prices(at: datetime) -> dict[str, PriceValue]:
    """Return each model's newest price that is valid at `at`. Raises django.db.Error."""
    rows = Price.objects.filter(valid_from__lte=at).order_by("valid_from")
    return {
        model_id: PriceValue(*price)
        for model_id, *price in rows.values_list(
            "model_id", "id", "prompt_nano", "completion_nano", "cached_nano"
        )
    }
