"""/cabinet/billing/alert/: the form of the low-balance alert."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.signin.sessions import account_of
from billing.ledger import low_balance
from web.cabinet.billing import form_of_page, show
from web.cabinet.billing_forms import AlertForm
from web.cabinet.login_required import login_required


@login_required
@form_of_page
def alert(request: HttpRequest) -> HttpResponse:
    """Set or remove the threshold of the alert."""
    account_id, form = account_of(request).pk, AlertForm(request.POST)
    if not form.is_valid():
        return show(request, account_id, alert=form, status=422)
    threshold_nano = form.cleaned_data["threshold"]
    low_balance.choose(account_id, threshold_nano)
    if threshold_nano is None:
        messages.success(request, _("No mail will be sent about the balance."))
    else:
        messages.success(
            request, _("A mail will be sent when the balance falls below this amount.")
        )
    return redirect("billing")
