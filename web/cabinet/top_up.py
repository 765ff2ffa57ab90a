"""Top-ups: start a payment, redirect to the provider, and show the payment's status."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.errors import AccountSuspended
from accounts.signin.form_limits import limit_form
from accounts.signin.sessions import account_of
from billing.errors import InvalidAmount, MethodsNotSaved, NoShop, PaymentProviderAway
from billing.payments import saved_methods, top_ups
from web.cabinet.billing import form_of_page, show
from web.cabinet.billing_forms import TopUpForm
from web.cabinet.login_required import login_required

SUSPENDED = gettext_lazy("A suspended account cannot be topped up.")
ASK_AGAIN_S = 5
ASKED_FOR = timedelta(minutes=15)
"""How long the page of a pending payment reloads itself."""


@login_required
@form_of_page
@limit_form("top-up", "20/h")
def top_up(request: HttpRequest) -> HttpResponse:
    """Start a payment and redirect to the provider's page."""
    account_id, form = account_of(request).pk, TopUpForm(request.POST)
    if not form.is_valid():
        return _again(request, account_id, form)
    key = form.key(account_id)
    page = reverse("payment", args=[key])
    try:
        payment = top_ups.start(
            account_id,
            form.cleaned_data["amount"],
            f"{settings.PUBLIC_URL}{page}",
            key=key,
            saves_method=form.cleaned_data["saves_method"],
        )
    except InvalidAmount as error:
        form.add_error("amount", str(error))
        return _again(request, account_id, form)
    except AccountSuspended:
        form.add_error(None, SUSPENDED)
        return _again(request, account_id, form)
    except MethodsNotSaved:
        form.add_error(
            "saves_method", _("This shop saves no cards. Untick the box to pay without saving it.")
        )
        return _again(request, account_id, form)
    except (PaymentProviderAway, NoShop):
        form.add_error(
            None,
            _(
                "The payment service does not answer, so no payment was started and nothing was"
                " charged. Try again in a few minutes."
            ),
        )
        return show(request, account_id, top_up=form, status=503)
    return redirect(payment.confirmation_url if payment.is_pending else page)


@login_required
@form_of_page
@limit_form("top-up", "20/h")
def test_payment(request: HttpRequest) -> HttpResponse:
    """Credit a test payment, in development."""
    account_id, form = account_of(request).pk, TopUpForm(request.POST)
    if not top_ups.offers_test_payments():
        raise Http404
    if not form.is_valid():
        return _again(request, account_id, form)
    try:
        top_ups.pay_in_test(account_id, form.cleaned_data["amount"], key=form.key(account_id))
    except InvalidAmount as error:
        form.add_error("amount", str(error))
        return _again(request, account_id, form)
    except AccountSuspended:
        form.add_error(None, SUSPENDED)
        return _again(request, account_id, form)
    messages.success(request, _("The test payment is on the balance."))
    return redirect("billing")


@never_cache
@login_required
@require_safe
def payment(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show a payment's status; while it is pending, the page reloads itself."""
    found = top_ups.own(account_of(request).pk, key)
    if found is None:
        raise Http404
    context = {
        "payment": found,
        "decline_words": saved_methods.words_of(found.cancellation_reason),
        "charged_words": saved_methods.charged_words_of(found.cancellation_reason),
    }
    response = render(request, "cabinet/payment.html", context)
    if found.is_pending and timezone.now() - found.created_at < ASKED_FOR:
        response.headers["Refresh"] = str(ASK_AGAIN_S)
    return response


def _again(request: HttpRequest, account_id: int, form: TopUpForm) -> HttpResponse:
    return show(request, account_id, top_up=form, status=422)
