"""The operators' pages of dated prices: what callers pay, and what providers charge us."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.audit.audited_admin import CONFIRMED, AuditedAdmin
from accounts.audit.day_filter import DayFilter
from billing.admin.price_form import (
    KINDS,
    TOKENS_A_PRICE_IS_READ_FOR,
    DatedPriceForm,
    preview,
)
from billing.models import Price, UpstreamPrice
from billing.templatetags.money import roubles


class DatedPrices(AuditedAdmin):
    """Dated prices. One already in force cannot be changed, only followed by another."""

    form = DatedPriceForm
    list_filter: ClassVar[tuple[Any, ...]] = (DayFilter.of("valid_from"),)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_in_force(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_in_force(obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show what a price would change before it is saved: it acts at once, on everybody."""
        if request.method == "POST" and CONFIRMED not in request.POST:
            price = self.get_object(request, object_id) if object_id else None
            is_allowed = (
                self.has_change_permission(request, price)
                if object_id
                else self.has_add_permission(request)
            )
            form = self.get_form(request, price, change=price is not None)(
                request.POST, instance=price
            )
            if is_allowed and form.is_valid():
                return self._preview(request, form)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, dict[str, Any]]]:
        """Add the prices before and after, in nano-credits for a token."""
        message = super().construct_change_message(request, form, formsets, add)
        for part in message[:1]:
            part.setdefault("values", {}).update(
                {
                    f"{kind}_nano": [before, getattr(form.instance, f"{kind}_nano")]
                    for kind, before in form.before_nano.items()
                    if before != getattr(form.instance, f"{kind}_nano")
                }
            )
        return message

    def _preview(self, request: HttpRequest, form: Any) -> TemplateResponse:
        lines = preview(form.instance, form.cleaned_data["valid_from"])
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Is this the price?"),
            "subtitle": str(form.instance),
            "opts": self.opts,
            "lines": lines,
            "is_below_cost": any(line.is_below_cost for line in lines),
            "valid_from": form.cleaned_data["valid_from"],
            "sent": [
                (name, value)
                for name, values in request.POST.lists()
                if name != "csrfmiddlewaretoken"
                for value in values
            ],
            "confirmed": CONFIRMED,
        }
        return TemplateResponse(request, "admin/billing/price_preview.html", context)

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
    fieldsets = (
        (None, {"fields": ("model_id", "valid_from")}),
        (_("Price"), {"fields": tuple(KINDS)}),
    )

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "model_id":
            kwargs |= {"widget": AdminTextInputWidget()}
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(UpstreamPrice)
class UpstreamPriceAdmin(DatedPrices):
    """What providers charge us."""

    list_display = (
        "upstream_id",
        "provider",
        "valid_from",
        "prompt",
        "completion",
        "cached",
        "source",
    )
    list_filter = ("provider", *DatedPrices.list_filter)
    search_fields = ("upstream_id",)
    search_help_text = _("The provider's own name of a model")
    ordering = ("provider", "upstream_id", "-valid_from")
    fieldsets = (
        (None, {"fields": ("provider", "upstream_id", "valid_from", "source")}),
        (_("Price"), {"fields": tuple(KINDS)}),
    )


def _is_in_force(price: Any) -> bool:
    return price is not None and price.valid_from <= timezone.now()
