"""The operators' pages of payments by card, saved methods and refunds at the shop; read-only."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.audit.audited_admin import ReadOnlyAdmin
from accounts.audit.condition_filter import ConditionFilter
from accounts.audit.day_filter import DayFilter
from billing.admin.ledger import operation
from billing.admin.refund import refund_page
from billing.models import AutoTopUp, Payment, PaymentRefund
from billing.templatetags.money import roubles


class AutomaticFilter(ConditionFilter):
    """Filters payments by who made them: a person, or the service with a saved method."""

    title = _("automatic payment")
    parameter_name = "automatic"

    def conditions(self) -> dict[str, tuple[str | Promise, Q]]:
        return {"yes": (_("Yes"), ~Q(method_id="")), "no": (_("No"), Q(method_id=""))}


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Payments, newest first; those that were paid otherwise than asked for say how."""

    list_display = ("number", "created_at", "account", "roubles", "is_automatic", "status", "note")
    list_filter = ("status", AutomaticFilter, DayFilter.of("created_at"))
    list_select_related: ClassVar[tuple[str, ...]] = ("account",)
    search_fields = ("=provider_id", "=account__id", "account__owner__email")
    search_help_text = _("Payment, number of an account, or its owner's e-mail")
    ordering = ("-id",)
    fields = (
        *("number", "created_at", "account", "roubles", "is_automatic", "status"),
        *("cancellation_reason", "note", "operation"),
    )
    operation = operation

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "<int:payment_id>/refund/",
            self.admin_site.admin_view(self.refund_view),
            name="billing_payment_refund",
        )
        return [page, *super().get_urls()]

    def refund_view(self, request: HttpRequest, payment_id: int) -> HttpResponse:
        return refund_page(self, request, payment_id)

    @admin.display(description=_("payment"))
    def number(self, payment: Payment) -> str:
        return str(payment)

    @admin.display(description=_("amount"))
    def roubles(self, payment: Payment) -> str:
        return roubles(payment.amount_nano)

    @admin.display(description=_("automatic payment"), boolean=True)
    def is_automatic(self, payment: Payment) -> bool:
        return bool(payment.method_id)


@admin.register(AutoTopUp)
class AutoTopUpAdmin(ReadOnlyAdmin):
    """Saved payment methods, and the terms of automatic top-ups with the consent to them."""

    list_display = (
        *("account", "is_on", "method_title", "threshold", "amount", "month_cap"),
        *("consented_at", "last_decline", "declined_at"),
    )
    list_filter = ("is_on", DayFilter.of("saved_at"))
    list_select_related: ClassVar[tuple[str, ...]] = ("account",)
    search_fields = ("=account__id", "account__owner__email")
    search_help_text = _("Number of an account, or its owner's e-mail")
    ordering = ("-account",)
    fields = (*list_display, "saved_at", "consent")

    @admin.display(description=_("below"))
    def threshold(self, saved: AutoTopUp) -> str:
        return _roubles(saved.threshold_nano)

    @admin.display(description=_("amount"))
    def amount(self, saved: AutoTopUp) -> str:
        return _roubles(saved.amount_nano)

    @admin.display(description=_("a month at most"))
    def month_cap(self, saved: AutoTopUp) -> str:
        return _roubles(saved.month_cap_nano)


class BookedFilter(ConditionFilter):
    title = _("booked")
    parameter_name = "booked"

    def conditions(self) -> dict[str, tuple[str | Promise, Q]]:
        return {
            "yes": (_("Yes"), Q(entry__isnull=False)),
            "no": (_("No"), Q(entry__isnull=True)),
        }


@admin.register(PaymentRefund)
class PaymentRefundAdmin(ReadOnlyAdmin):
    """Refunds at the shop, newest first; those that were not booked say why."""

    list_display = ("number", "created_at", "payment", "roubles", "note")
    list_filter = (BookedFilter, DayFilter.of("created_at"))
    list_select_related: ClassVar[tuple[str, ...]] = ("payment",)
    search_fields = ("=provider_id", "=payment__provider_id", "=payment__account__id")
    ordering = ("-id",)
    fields = (*list_display, "operation")
    operation = operation

    @admin.display(description=_("refund"))
    def number(self, refund: PaymentRefund) -> str:
        return str(refund)

    @admin.display(description=_("amount"))
    def roubles(self, refund: PaymentRefund) -> str:
        return roubles(refund.amount_nano)


def _roubles(amount_nano: int | None) -> str:
    return "" if amount_nano is None else roubles(amount_nano)
