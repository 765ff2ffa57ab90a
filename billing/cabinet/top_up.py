"""Topping up: from the form to the payment provider's page, and what became of the payment."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.form_limits import limit_form
from accounts.models import Account
from accounts.sessions import account_of
from billing import payments
from billing.cabinet.balance import form_of_page, show
from billing.cabinet.forms import TopUpForm
from billing.errors import InvalidAmount, NoShop, PaymentProviderAway
from billing.models import Payment

ASK_AGAIN_S = 5
ASKED_FOR = timedelta(minutes=15)
"""How long the page of a payment looks by itself whether it has come."""


@login_required
@form_of_page
@limit_form("top-up", "20/h")
def top_up(request: HttpRequest) -> HttpResponse:
    """Start a payment and send the person to where it is made."""
    account, form = account_of(request), TopUpForm(request.POST)
    if not form.is_valid():
        return _again(request, account, form)
    key = form.key(account.pk)
    page = reverse("payment", args=[key])
    try:
        payment = payments.start(
            account.pk, form.cleaned_data["amount"], f"{settings.PUBLIC_URL}{page}", key=key
        )
    except InvalidAmount as error:
        form.add_error("amount", str(error))
        return _again(request, account, form)
    except (PaymentProviderAway, NoShop):
        form.add_error(
            None,
            _(
                "The payment service does not answer, so no payment was started and nothing was"
                " charged. Try again in a few minutes."
            ),
        )
        return show(request, account, top_up=form, status=503)
    is_open = payment.status == Payment.Status.PENDING
    return redirect(payment.confirmation_url if is_open else page)


@login_required
@form_of_page
@limit_form("top-up", "20/h")
def test_payment(request: HttpRequest) -> HttpResponse:
    """Credit what nobody paid, while developing."""
    account, form = account_of(request), TopUpForm(request.POST)
    if not payments.offers_test_payments():
        raise Http404
    if not form.is_valid():
        return _again(request, account, form)
    try:
        payments.pay_in_test(account.pk, form.cleaned_data["amount"], key=form.key(account.pk))
    except InvalidAmount as error:
        form.add_error("amount", str(error))
        return _again(request, account, form)
    messages.success(request, _("The test payment is on the balance."))
    return redirect("billing")


@never_cache
@login_required
@require_safe
def payment(request: HttpRequest, key: UUID) -> HttpResponse:
    """Say how a payment stands; while it is on its way, the page looks again by itself."""
    found = payments.own(account_of(request).pk, key)
    if found is None:
        raise Http404
    response = render(request, "cabinet/payment.html", {"payment": found})
    if found.status == Payment.Status.PENDING and timezone.now() - found.created_at < ASKED_FOR:
        response.headers["Refresh"] = str(ASK_AGAIN_S)
    return response


def _again(request: HttpRequest, account: Account, form: TopUpForm) -> HttpResponse:
    return show(request, account, top_up=form, status=422)
