"""/cabinet/billing/: balance, forms of money, payments, latest ledger entries."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.signin.sessions import account_of
from billing.ledger import balances, low_balance
from billing.payments import auto_top_up, saved_methods, top_ups
from infra.credits import credits_of
from web.cabinet import ledger
from web.cabinet.billing_forms import PRESETS, AlertForm, AutoTopUpForm, RedemptionForm, TopUpForm
from web.cabinet.list_file import is_file_wanted, list_file, text_of
from web.cabinet.login_required import login_required

LATEST_PAYMENTS, LATEST_ENTRIES = 10, 10
PAYMENT_PAGES = ["https://yoomoney.ru", "https://*.yoomoney.ru", "https://yookassa.ru"]
"""Where YooKassa sends people to pay: https://yookassa.ru/developers/payment-acceptance/getting-started"""

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]


def may_lead_to_payment(view: View[Arguments]) -> View[Arguments]:
    """Allow the payment pages in `form-action`, which browsers apply to redirects too.

    Where another address than the official one is configured, any page is allowed.
    """

    @wraps(view)
    def widened(
        request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponseBase:
        is_official = settings.YOOKASSA_BASE_URL == settings.YOOKASSA_OFFICIAL_URL
        pages = PAYMENT_PAGES if is_official else ["https:", "http:"]
        answer: HttpResponseBase = csp_update({"form-action": pages})(view)(
            request, *args, **kwargs
        )
        return answer

    return widened


def form_of_page(view: View[Arguments]) -> View[Arguments]:
    """Answer a POST with the billing page; redirect other requests to it."""

    @wraps(view)
    def answered(
        request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponseBase:
        if request.method != "POST":
            return redirect("billing")
        return may_lead_to_payment(view)(request, *args, **kwargs)

    return answered


@never_cache
@login_required
@require_safe
@may_lead_to_payment
def balance(request: HttpRequest) -> HttpResponseBase:
    """Show the billing page, or send all payments as CSV."""
    account_id = account_of(request).pk
    if is_file_wanted(request):
        return list_file("payments", _payment_columns(), top_ups.latest(account_id))
    return show(request, account_id)


def _payment_columns() -> dict[str, Callable[[top_ups.Payment], object]]:
    return {
        _("Date"): lambda payment: payment.created_at,
        _("Payment"): lambda payment: payment.provider_id,
        _("Amount"): lambda payment: credits_of(payment.amount_nano),
        _("State"): lambda payment: text_of("cabinet/_payment_state.html", payment=payment),
        _("Kind"): lambda payment: _("automatic payment") if payment.method_id else "",
    }


def show(
    request: HttpRequest,
    account_id: int,
    *,
    top_up: TopUpForm | None = None,
    automatic: AutoTopUpForm | None = None,
    redemption: RedemptionForm | None = None,
    alert: AlertForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the page, with a form that has errors where one is given."""
    threshold_nano = low_balance.threshold_nano(account_id)
    if alert is None:
        alert = AlertForm(initial={"threshold": threshold_nano})
    saved = auto_top_up.of(account_id)
    context = {
        "is_suspended": account_of(request).suspended_at is not None,
        "balance": balances.exact(account_id),
        "top_up": top_up or TopUpForm(initial={"token": uuid.uuid4()}),
        "presets": PRESETS,
        "saved": saved,
        "decline_words": saved_methods.words_of(saved.last_decline) if saved else "",
        "is_cap_reached": saved is not None
        and saved.is_on
        and not auto_top_up.is_within_cap(saved),
        "automatic": automatic or AutoTopUpForm.of(saved),
        "redemption": redemption or RedemptionForm(),
        "is_shop_open": top_ups.is_configured(),
        "is_test_open": top_ups.offers_test_payments(),
        "payments": top_ups.latest(account_id, LATEST_PAYMENTS),
        "alert": alert,
        "threshold_nano": threshold_nano,
        "lines": ledger.latest(account_id, LATEST_ENTRIES),
    }
    return render(request, "cabinet/billing.html", context, status=status)
