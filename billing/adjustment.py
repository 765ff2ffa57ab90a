"""The page that adjusts a balance: an amount of either sign, and the reason, which the ledger keeps."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.audit import REASON_MAX_CHARS, Action
from accounts.desk import Desk
from accounts.models import Account
from billing import balances, ledger
from billing.errors import BillingError, InsufficientCredits
from billing.pricing import credits_text, nano_of
from billing.templatetags.money import roubles


class AlreadyAdjusted(Exception):
    """Something was done to the account since the form was shown: the same form again, perhaps."""


class AdjustmentForm(forms.Form):
    """`seen` is the newest journal entry about the account when the form was shown."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    amount = forms.DecimalField(
        label=_("Adjust by, roubles"),
        decimal_places=9,
        max_digits=19,
        localize=True,
        help_text=_("Below zero it takes away, down to what is available."),
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_MAX_CHARS,
        help_text=_("The account's owner reads it beside the operation."),
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": _("Say why.")},
    )

    def clean_amount(self) -> int:
        """Return nano-credits."""
        amount: Decimal = self.cleaned_data["amount"]
        try:
            amount_nano = nano_of(amount)
        except ValueError:
            raise ValidationError(_("No balance takes such an amount.")) from None
        if not amount_nano:
            raise ValidationError(_("Zero changes nothing."))
        return amount_nano


def adjustment_page(desk: Desk, request: HttpRequest, account_id: int) -> HttpResponse:
    """Show the form; a POST books the adjustment, once, and leads to the account's operations."""
    if not desk.has_change_permission(request):
        raise PermissionDenied
    account = Account.objects.select_related("owner").filter(pk=account_id).first()
    if account is None:
        raise Http404
    form = AdjustmentForm(
        request.POST or None,
        initial={"seen": audit.last_id(account), "reason": request.GET.get("reason", "")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            _adjust(desk, request, account, **form.cleaned_data)
        except AlreadyAdjusted:
            form = _shown_again(form, audit.last_id(account))
        except InsufficientCredits:
            form.add_error("amount", gettext("That is more than is available."))
        except BillingError:
            form.add_error("amount", gettext("No balance takes such an amount."))
        else:
            return redirect("admin:billing_creditaccount_change", account.pk)
    context: dict[str, Any] = {
        **desk.admin_site.each_context(request),
        "title": gettext("Adjust the balance"),
        "subtitle": str(account),
        "opts": desk.opts,
        "account": account,
        "balance": balances.exact(account.pk),
        "form": form,
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "admin/billing/adjust.html", context, status=status)


def _adjust(
    desk: Desk, request: HttpRequest, account: Account, *, seen: int, amount: int, reason: str
) -> None:
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if audit.last_id(account) != seen:
            raise AlreadyAdjusted
        movement = ledger.adjust(account.pk, amount, reason=reason, actor_id=request.user.pk)
        desk.tell(
            request,
            account,
            Action.ADJUST,
            gettext("Balance adjusted."),
            reason=reason,
            detail={"entry": movement.entry_id, "credits": credits_text(amount)},
        )
    messages.success(
        request,
        gettext("%(account)s: %(amount)s are booked, the balance is %(balance)s.")
        % {
            "account": account,
            "amount": roubles(amount),
            "balance": roubles(movement.balance_nano),
        },
    )


def _shown_again(form: AdjustmentForm, seen: int) -> AdjustmentForm:
    """Return the form as it was filled in, with a warning, to be sent once more by who means it."""
    filled_in = form.data.copy()  # type: ignore[attr-defined]  # it is a QueryDict
    filled_in["seen"] = str(seen)
    again = AdjustmentForm(filled_in)
    again.add_error(
        None,
        gettext(
            "Something was done to this account since the page was opened: perhaps this very"
            " adjustment. Look at the journal; send the form again if you still want it."
        ),
    )
    return again
