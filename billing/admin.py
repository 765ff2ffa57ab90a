"""The operators' desk of prices, each with the moment that it holds from; and, beside it, of money."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.desk import Desk
from billing.ledger_admin import BalanceAdmin, GenerationAdmin, LedgerEntryAdmin
from billing.models import Price, UpstreamPrice
from billing.templatetags.money import roubles

__all__ = ["BalanceAdmin", "GenerationAdmin", "LedgerEntryAdmin", "PriceAdmin"]

TOKENS_A_PRICE_IS_READ_FOR = 1_000_000

_KINDS = ("prompt_nano", "completion_nano", "cached_nano")


class DatedPriceForm(forms.ModelForm):  # type: ignore[type-arg]  # of either of two models
    """A price from now on, or from a moment that is still to come."""

    valid_from = forms.SplitDateTimeField(
        label=_("Valid from"),
        required=False,
        widget=AdminSplitDateTime(),
        help_text=_(
            "Moscow's time. Empty: from now on. What was in force before stays in the books."
        ),
    )

    def clean_valid_from(self) -> Any:
        chosen, now = self.cleaned_data["valid_from"], timezone.now()
        if chosen is not None and chosen <= now:
            raise ValidationError(
                _("This moment has passed. Leave it empty for a price from now on.")
            )
        return chosen or now


class DatedPrices(Desk):
    """Prices by their dates. One in force is history: another, dated later, takes its place."""

    form = DatedPriceForm
    date_hierarchy = "valid_from"

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_in_force(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_in_force(obj)

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        unit = _("Nano-credits per token: 1000 are a rouble per million tokens.")
        kwargs |= {"help_texts": dict.fromkeys(_KINDS, unit)}
        return super().get_form(request, obj, change, **kwargs)

    @admin.display(description=_("prompt, per million"), ordering="prompt_nano")
    def prompt(self, price: Price | UpstreamPrice) -> str:
        return roubles(price.prompt_nano * TOKENS_A_PRICE_IS_READ_FOR)

    @admin.display(description=_("answer, per million"), ordering="completion_nano")
    def completion(self, price: Price | UpstreamPrice) -> str:
        return roubles(price.completion_nano * TOKENS_A_PRICE_IS_READ_FOR)

    @admin.display(description=_("cached, per million"), ordering="cached_nano")
    def cached(self, price: Price | UpstreamPrice) -> str:
        return roubles(price.cached_nano * TOKENS_A_PRICE_IS_READ_FOR)


@admin.register(Price)
class PriceAdmin(DatedPrices):
    """What callers pay."""

    list_display = ("model_id", "valid_from", "prompt", "completion", "cached")
    search_fields = ("model_id",)
    search_help_text = _("Id of a model")
    ordering = ("model_id", "-valid_from")
    fieldsets = ((None, {"fields": ("model_id", "valid_from")}), (_("Price"), {"fields": _KINDS}))

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "model_id":
            kwargs |= {"widget": AdminTextInputWidget()}
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(UpstreamPrice)
class UpstreamPriceAdmin(DatedPrices):
    """What we pay."""

    list_display = ("upstream_id", "provider", "valid_from", "prompt", "completion", "cached")
    list_filter = ("provider",)
    search_fields = ("upstream_id",)
    search_help_text = _("The provider's own name of a model")
    ordering = ("provider", "upstream_id", "-valid_from")
    fieldsets = (
        (None, {"fields": ("provider", "upstream_id", "valid_from")}),
        (_("Price"), {"fields": _KINDS}),
    )


def _is_in_force(price: Any) -> bool:
    return price is not None and price.valid_from <= timezone.now()
