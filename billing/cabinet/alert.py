"""/cabinet/billing/alert/: from which balance on its owner gets a mail."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.sessions import account_of
from billing import low_balance
from billing.cabinet.balance import form_of_page, show
from billing.cabinet.forms import AlertForm
from billing.pricing import nano_of


@login_required
@form_of_page
def alert(request: HttpRequest) -> HttpResponse:
    """Choose the balance to be told of, or none."""
    account, form = account_of(request), AlertForm(request.POST)
    if not form.is_valid():
        return show(request, account, alert=form, status=422)
    threshold = form.cleaned_data["threshold"]
    low_balance.choose(account.pk, None if threshold is None else nano_of(threshold))
    if threshold is None:
        messages.success(request, _("No mail will be sent about the balance."))
    else:
        messages.success(
            request, _("A mail will be sent when the balance falls below this amount.")
        )
    return redirect("billing")
