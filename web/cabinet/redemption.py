"""/cabinet/billing/redeem/: the form of redemption codes."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.errors import AccountSuspended
from accounts.signin.form_limits import limit_form, network
from accounts.signin.sessions import account_of
from billing import redemption_codes
from billing.errors import RedemptionRefused
from billing.templatetags.money import roubles
from web.cabinet.billing import form_of_page, show
from web.cabinet.billing_forms import RedemptionForm
from web.cabinet.login_required import login_required


@login_required
@form_of_page
@limit_form("redeem", "10/h")
@limit_form("redeem from a network", "60/h", by=network)
def redeem(request: HttpRequest) -> HttpResponse:
    """Credit a code to the account."""
    account_id, form = account_of(request).pk, RedemptionForm(request.POST)
    if form.is_valid():
        try:
            movement = redemption_codes.redeem(account_id, form.cleaned_data["code"])
        except RedemptionRefused as error:
            form.add_error("code", str(error))
        except AccountSuspended:
            form.add_error(None, _("A suspended account cannot redeem codes."))
        else:
            amount = roubles(movement.amount_nano)
            messages.success(
                request,
                _("The code is redeemed: %(amount)s are on the balance.") % {"amount": amount},
            )
            return redirect("billing")
    return show(request, account_id, redemption=form, status=422)
