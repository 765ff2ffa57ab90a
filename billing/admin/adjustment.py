"""The operators' page that adjusts a balance by an amount of either sign, with a reason."""

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

from accounts import users
from accounts.audit import log
from accounts.audit.audited_admin import AuditedAdmin
from accounts.audit.log import REASON_MAX_CHARS, Action
from accounts.users import Account
from billing.errors import BillingError, InsufficientCredits
from billing.ledger import balances, ledger
from billing.roubles_field import RoublesField
from billing.templatetags.money import roubles
from infra.credits import credits_text


class AlreadyAdjusted(Exception):
    """The account has changed since the form was shown; the form may have been sent twice."""


class AdjustmentForm(forms.Form):
    """`seen` is the id of the newest audit entry about the account when the form was shown."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    amount = RoublesField(
        label=_("Adjust by, roubles"),
        help_text=_("Below zero it takes away, down to what is available."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_MAX_CHARS,
        help_text=_("The account's owner reads it beside the operation."),
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": _("Say why.")},
    )

    def clean_amount(self) -> int:
        amount_nano: int = self.cleaned_data["amount"]
        if not amount_nano:
            raise ValidationError(_("Zero changes nothing."))
        return amount_nano


def adjustment_page(
    model_admin: AuditedAdmin, request: HttpRequest, account_id: int
) -> HttpResponse:
    """Show the form; a POST books the adjustment, once, and leads to the account's operations."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    account = users.find_account(account_id)
    if account is None:
        raise Http404
    form = AdjustmentForm(
        request.POST or None,
        initial={"seen": log.last_id(account), "reason": request.GET.get("reason", "")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            _adjust(model_admin, request, account, **form.cleaned_data)
        except AlreadyAdjusted:
            form = _shown_again(form, log.last_id(account))
        except InsufficientCredits:
            form.add_error("amount", gettext("That is more than is available."))
        except BillingError:
            form.add_error("amount", gettext("No balance takes such an amount."))
        else:
            return redirect("admin:billing_creditaccount_change", account.pk)
    context: dict[str, Any] = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("Adjust the balance"),
        "subtitle": str(account),
        "opts": model_admin.opts,
        "account": account,
        "balance": balances.exact(account.pk),
        "form": form,
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "admin/billing/adjust.html", context, status=status)


def _adjust(
    model_admin: AuditedAdmin,
    request: HttpRequest,
    account: Account,
    *,
    seen: int,
    amount: int,
    reason: str,
) -> None:
    with transaction.atomic():
        users.lock_account(account.pk)
        if log.last_id(account) != seen:
            raise AlreadyAdjusted
        movement = ledger.adjust(account.pk, amount, reason=reason, actor_id=request.user.pk)
        model_admin.tell(
            request,
            account,
            Action.ADJUST,
            gettext("Balance adjusted."),
            reason=reason,
            detail={"entry": movement.entry_id, "credits": credits_text(amount)},
        )
    messages.success(
        request,
        gettext("Booked for %(account)s: %(amount)s. The balance is %(balance)s.")
        % {
            "account": account,
            "amount": roubles(amount),
            "balance": roubles(movement.balance_nano),
        },
    )


def _shown_again(form: AdjustmentForm, seen: int) -> AdjustmentForm:
    """Return the filled-in form with a warning; sending it again confirms the adjustment."""
    filled_in = form.data.copy()  # type: ignore[attr-defined]  # it is a QueryDict
    filled_in["seen"] = str(seen)
    again = AdjustmentForm(filled_in)
    again.add_error(
        None,
        gettext(
            "Something was done to this account since the page was opened: perhaps this very"
            " adjustment. Look at the audit log; send the form again if you still want it."
        ),
    )
    return again
