"""/cabinet/billing/auto-top-up/: turn automatic top-ups on and off, and remove the saved method."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.errors import AccountSuspended
from accounts.signin.form_limits import limit_form
from accounts.signin.sessions import account_of
from billing.errors import InvalidAmount, NoSavedMethod
from billing.payments import auto_top_up
from web.cabinet.billing import form_of_page, show
from web.cabinet.billing_forms import AutoTopUpForm
from web.cabinet.login_required import login_required
from web.cabinet.top_up import SUSPENDED


@login_required
@form_of_page
@limit_form("auto-top-up", "20/h")
def turn_on(request: HttpRequest) -> HttpResponse:
    """Turn automatic top-ups on, by the terms of the form."""
    account_id, form = account_of(request).pk, AutoTopUpForm(request.POST)
    if form.is_valid():
        try:
            auto_top_up.turn_on(account_id, form.terms())
        except InvalidAmount as error:
            form.add_error(None, str(error))
        except NoSavedMethod:
            form.add_error(None, _("No card is saved. Top up once with “Save the card” ticked."))
        except AccountSuspended:
            form.add_error(None, SUSPENDED)
        else:
            messages.success(request, _("Automatic top-ups are on."))
            return redirect("billing")
    return show(request, account_id, automatic=form, status=422)


@login_required
@form_of_page
def turn_off(request: HttpRequest) -> HttpResponse:
    """Turn automatic top-ups off; the card stays saved."""
    auto_top_up.turn_off(account_of(request).pk)
    messages.success(request, _("Automatic top-ups are off. The card stays saved."))
    return redirect("billing")


@login_required
@form_of_page
def forget_method(request: HttpRequest) -> HttpResponse:
    """Remove the saved card, and with it automatic top-ups."""
    auto_top_up.forget_method(account_of(request).pk)
    messages.success(request, _("The card is removed, and is charged no more."))
    return redirect("billing")
