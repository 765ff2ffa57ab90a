"""/cabinet/billing/: what there is, how to have more, what was paid, and what it went on."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import Account
from accounts.sessions import account_of
from billing import balances, low_balance, payments
from billing.cabinet import ledger
from billing.cabinet.forms import PRESETS, AlertForm, TopUpForm
from billing.pricing import credits_text

LATEST_PAYMENTS, LATEST_ENTRIES = 10, 10
PAYMENT_PAGES = ["https://yoomoney.ru", "https://*.yoomoney.ru", "https://yookassa.ru"]
"""Where YooKassa sends people to pay: https://yookassa.ru/developers/payment-acceptance/getting-started"""

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]


def may_lead_to_payment(view: View[Arguments]) -> View[Arguments]:
    """Let the forms of a page end where people pay: browsers hold a redirect to `form-action` too.

    Another provider than the official one says only in its answers where that is.
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
    """Answer a form with the page around it; whoever only comes to the form's address is sent there."""

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
def balance(request: HttpRequest) -> HttpResponse:
    """Show the page of an account's money."""
    return show(request, account_of(request))


def show(
    request: HttpRequest,
    account: Account,
    *,
    top_up: TopUpForm | None = None,
    alert: AlertForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the page, with what was typed into a form and is wrong."""
    threshold_nano = low_balance.threshold_nano(account.pk)
    if alert is None:
        chosen = "" if threshold_nano is None else credits_text(threshold_nano)
        alert = AlertForm(initial={"threshold": chosen})
    context = {
        "balance": balances.exact(account.pk),
        "top_up": top_up or TopUpForm(initial={"token": uuid.uuid4()}),
        "presets": PRESETS,
        "is_shop_open": payments.is_configured(),
        "is_test_open": payments.offers_test_payments(),
        "payments": payments.latest(account.pk, LATEST_PAYMENTS),
        "alert": alert,
        "threshold_nano": threshold_nano,
        "lines": ledger.latest(account.pk, LATEST_ENTRIES),
    }
    return render(request, "cabinet/billing.html", context, status=status)
