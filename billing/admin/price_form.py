"""The form of a dated price: roubles for a million tokens, as every page shows them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.models import Price, UpstreamPrice
from billing.priced_models import priced_models
from billing.prices import current_prices, current_upstream_prices
from billing.pricing import Rates
from billing.roubles_field import RoublesField
from infra.credits import MAX_AMOUNT_NANO

TOKENS_A_PRICE_IS_READ_FOR = 1_000_000
KINDS: dict[str, str | Promise] = {
    "prompt": _("prompt"),
    "completion": _("answer"),
    "cached": _("cached prompt"),
}


def per_token_nano(per_million_nano: int) -> int:
    """Return whole nano-credits for a token. Raises ValidationError where it is no whole number."""
    per_token, rest = divmod(per_million_nano, TOKENS_A_PRICE_IS_READ_FOR)
    if rest:
        raise ValidationError(_("Write three decimals at most: a token costs whole nano-credits."))
    return per_token


class DatedPriceForm(forms.ModelForm):  # type: ignore[type-arg]  # of either of two models
    """A price from now or from a future moment on."""

    prompt = RoublesField(label=_("Prompt, roubles per million tokens"))
    completion = RoublesField(label=_("Answer, roubles per million tokens"))
    cached = RoublesField(
        label=_("Cached prompt, roubles per million tokens"),
        required=False,
        help_text=_("Empty: as the prompt."),
    )
    valid_from = forms.SplitDateTimeField(
        label=_("Valid from"),
        required=False,
        widget=AdminSplitDateTime(),
        help_text=_(
            "Moscow's time. Empty: from now on. What was in force before stays in the books."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before_nano = {kind: getattr(self.instance, f"{kind}_nano") for kind in KINDS}
        if self.instance.pk:
            for kind in KINDS:
                nano = getattr(self.instance, f"{kind}_nano") * TOKENS_A_PRICE_IS_READ_FOR
                self.initial[kind] = nano

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("cached") is None and not self.errors.get("cached"):
            cleaned["cached"] = cleaned.get("prompt")
        for kind in KINDS:
            if cleaned.get(kind) is None:
                continue
            try:
                nano = per_token_nano(cleaned[kind])
            except ValidationError as error:
                self.add_error(kind, error)
                continue
            if not 0 <= nano <= MAX_AMOUNT_NANO // TOKENS_A_PRICE_IS_READ_FOR:
                self.add_error(kind, _("No price is so high, or below zero."))
            if kind == "prompt" and not nano:
                self.add_error(kind, _("A prompt costs something."))
            setattr(self.instance, f"{kind}_nano", nano)
        return cleaned

    def clean_valid_from(self) -> Any:
        chosen, now = self.cleaned_data["valid_from"], timezone.now()
        if chosen is not None and chosen <= now:
            raise ValidationError(
                _("This moment has passed. Leave it empty for a price from now on.")
            )
        return chosen or now

    def clean_model_id(self) -> str:
        model_id: str = self.cleaned_data["model_id"].strip().lower()
        if model_id not in priced_models.ids():
            raise ValidationError(_("The catalogue has no such model."))
        return model_id


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """A price of one kind, before and after, in nano-credits for a million tokens; None: there is none.

    `margin_percent` is what remains of the new price above the provider's own.
    """

    kind: str | Promise
    before_nano: int | None
    after_nano: int
    upstream_nano: int | None

    @property
    def margin_percent(self) -> Decimal | None:
        if self.upstream_nano is None or not self.after_nano:
            return None
        return Decimal(self.after_nano - self.upstream_nano) * 100 / self.after_nano

    @property
    def is_below_cost(self) -> bool:
        return self.upstream_nano is not None and self.after_nano < self.upstream_nano


def preview(price: Price | UpstreamPrice, at: datetime) -> list[PreviewLine]:
    """Return what saving the price would change. Raises django.db.Error."""
    before: Rates | None = None
    upstream: Rates | None = None
    upstream_prices = current_upstream_prices(at)
    if isinstance(price, Price):
        found = current_prices(at).get(price.model_id)
        before = found.rates if found else None
        costs = [
            upstream_prices[route].rates
            for route in priced_models.routes(price.model_id)
            if route in upstream_prices
        ]
        upstream = max(costs, key=lambda rates: rates.prompt_nano) if costs else None
    else:
        known = upstream_prices.get((price.provider, price.upstream_id))
        before = known.rates if known else None
    return [
        PreviewLine(
            label,
            _per_million(before, kind),
            getattr(price, f"{kind}_nano") * TOKENS_A_PRICE_IS_READ_FOR,
            _per_million(upstream, kind),
        )
        for kind, label in KINDS.items()
    ]


def _per_million(rates: Rates | None, kind: str) -> int | None:
    if rates is None:
        return None
    nano: int = getattr(rates, f"{kind}_nano")
    return nano * TOKENS_A_PRICE_IS_READ_FOR
