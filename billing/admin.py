"""The operators' desk of money: everything to read, prices to date, balances to adjust for a reason."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from billing import ledger
from billing.errors import BillingError
from billing.generations import parse_public_id, public_id
from billing.models import CreditAccount, Generation, LedgerEntry, Price, UpstreamPrice
from billing.pricing import credits_text, nano_of

DatedPrice = Price | UpstreamPrice

if TYPE_CHECKING:  # generic for the type checker alone
    _Admin = admin.ModelAdmin[Model]
    _CreditAccountAdmin = admin.ModelAdmin[CreditAccount]
    _PriceAdmin = admin.ModelAdmin[DatedPrice]
    _CreditAccountForm = forms.ModelForm[CreditAccount]
    _Pages = Paginator[Model]
else:
    _Admin = _CreditAccountAdmin = _PriceAdmin = admin.ModelAdmin
    _CreditAccountForm = forms.ModelForm
    _Pages = Paginator

MOST_ROWS_PAGED = 10_000


class UncountedPages(_Pages):
    """Pages of a table too long to count: as many as the newest rows fill."""

    @cached_property
    def count(self) -> int:
        newest = cast("QuerySet[Model]", self.object_list)
        return newest.values("pk")[:MOST_ROWS_PAGED].count()


class ReadOnly(_Admin):
    """Rows that only the ledger writes."""

    show_full_result_count = False
    paginator = UncountedPages
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnly):
    """The ledger, newest first."""

    list_display = ("id", "created_at", "account", "kind", "amount", "balance", "reason", "actor")
    list_filter = ("kind",)
    list_select_related = ("account", "actor")
    search_fields = ("=account__id", "account__name", "=generation_id", "=payment_id")
    ordering = ("-id",)

    @admin.display(description=_("credits"))
    def amount(self, entry: LedgerEntry) -> str:
        return credits_text(entry.amount_nano)

    @admin.display(description=_("balance"))
    def balance(self, entry: LedgerEntry) -> str:
        return credits_text(entry.balance_nano)


@admin.register(Generation)
class GenerationAdmin(ReadOnly):
    """The generations, newest first; found by their public id or their account."""

    list_display = (
        *("public", "created_at", "account", "model_id", "provider"),
        *("tokens_prompt", "tokens_completion", "charged", "finish_reason", "error_code"),
    )
    list_select_related = ("account",)
    search_fields = ("=account__id", "=id")
    search_help_text = _("gen-… or the number of an account")
    ordering = ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        generation_id = parse_public_id(search_term.strip())
        term = search_term if generation_id is None else str(generation_id)
        return super().get_search_results(request, queryset, term)

    @admin.display(description=_("id"))
    def public(self, generation: Generation) -> str:
        return public_id(generation.id)

    @admin.display(description=_("credits"))
    def charged(self, generation: Generation) -> str:
        return credits_text(generation.cost_nano - generation.write_off_nano)


class AdjustmentForm(_CreditAccountForm):
    """What an adjustment takes: an amount, of either sign, and its reason."""

    credit_amount = forms.DecimalField(
        label=_("Adjust by, credits"), required=False, decimal_places=9, max_digits=19
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=500)

    class Meta:
        model = CreditAccount
        fields = ()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        amount: Decimal | None = cleaned.get("credit_amount")
        if not amount:
            return cleaned
        if not cleaned.get("reason", "").strip():
            raise ValidationError({"reason": _("Say why.")})
        try:
            amount_nano = nano_of(amount)
        except ValueError as error:
            raise ValidationError({"credit_amount": str(error)}) from None
        if self.instance.posted_nano - self.instance.held_nano + amount_nano < 0:
            raise ValidationError({"credit_amount": _("That is more than is available.")})
        return cleaned


@admin.register(CreditAccount)
class CreditAccountAdmin(_CreditAccountAdmin):
    """Balances; saving one with an amount and a reason books an adjustment."""

    form = AdjustmentForm
    fields = ("account", "posted", "held", "available", "credit_amount", "reason")
    readonly_fields = ("account", "posted", "held", "available")
    list_display = ("account", "posted", "held", "available")
    list_select_related = ("account",)
    search_fields = ("=account__id", "account__name", "account__owner__email")
    show_full_result_count = False
    paginator = UncountedPages
    ordering = ("-account",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: CreditAccount, form: forms.BaseForm, change: bool
    ) -> None:
        amount: Decimal | None = form.cleaned_data.get("credit_amount")
        if not amount:
            return
        try:
            ledger.adjust(
                obj.pk,
                nano_of(amount),
                reason=form.cleaned_data["reason"],
                actor_id=request.user.pk,
            )
        except BillingError as error:  # the balance has moved since the form was checked
            self.message_user(request, str(error), messages.ERROR)

    @admin.display(description=_("posted"))
    def posted(self, account: CreditAccount) -> str:
        return credits_text(account.posted_nano)

    @admin.display(description=_("held"))
    def held(self, account: CreditAccount) -> str:
        return credits_text(account.held_nano)

    @admin.display(description=_("available"))
    def available(self, account: CreditAccount) -> str:
        return credits_text(account.posted_nano - account.held_nano)


class DatedPrices(_PriceAdmin):
    """Prices by their dates. One in force is history: another, dated later, takes its place."""

    def has_change_permission(self, request: HttpRequest, obj: DatedPrice | None = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_in_force(obj)

    def has_delete_permission(self, request: HttpRequest, obj: DatedPrice | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_in_force(obj)

    def get_form(
        self,
        request: HttpRequest,
        obj: DatedPrice | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> "type[forms.ModelForm[DatedPrice]]":
        help_texts = {
            name: _("Nano-credits per token: 1000 are a rouble per million tokens.")
            for name in ("prompt_nano", "completion_nano", "cached_nano")
        }
        return super().get_form(request, obj, change, help_texts=help_texts, **kwargs)


@admin.register(Price)
class PriceAdmin(DatedPrices):
    """What callers pay."""

    list_display = ("model_id", "valid_from", "prompt_nano", "completion_nano", "cached_nano")
    search_fields = ("model_id",)
    ordering = ("model_id", "-valid_from")


@admin.register(UpstreamPrice)
class UpstreamPriceAdmin(DatedPrices):
    """What we pay."""

    list_display = (
        *("provider", "upstream_id", "valid_from"),
        *("prompt_nano", "completion_nano", "cached_nano"),
    )
    list_filter = ("provider",)
    search_fields = ("upstream_id",)
    ordering = ("provider", "upstream_id", "-valid_from")


def _is_in_force(price: DatedPrice | None) -> bool:
    return price is not None and price.valid_from <= timezone.now()
