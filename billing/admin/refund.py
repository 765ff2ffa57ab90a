"""The operators' page that gives a payment back at the shop, whole or in part, with a reason."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.audit.audited_admin import AuditedAdmin
from accounts.audit.log import REASON_MAX_CHARS, Action
from billing.errors import NoShop, PaymentProviderAway
from billing.ledger import balances
from billing.models import Payment
from billing.payments import refunds
from billing.roubles_field import RoublesField
from billing.templatetags.money import roubles
from infra.credits import credits_text


class RefundForm(forms.Form):
    """`key` makes a form that is sent twice one refund."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    amount = RoublesField(label=_("Give back, roubles"), is_kopecks=True)
    reason = forms.CharField(
        label=pgettext_lazy("of an act", "Reason"),
        max_length=REASON_MAX_CHARS,
        help_text=_("For the audit log."),
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": _("Say why.")},
    )

    def __init__(self, *args: Any, left_nano: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._left_nano = left_nano

    def clean_amount(self) -> int:
        amount_nano: int = self.cleaned_data["amount"]
        if not 0 < amount_nano <= self._left_nano:
            raise ValidationError(
                _("Write an amount above zero, %(left)s at most.")
                % {"left": roubles(self._left_nano)}
            )
        return amount_nano


def refund_page(model_admin: AuditedAdmin, request: HttpRequest, payment_id: int) -> HttpResponse:
    """Show the form; a POST asks the shop for the refund, once, and leads back to the payment."""
    if not request.user.has_perm("billing.add_paymentrefund"):
        raise PermissionDenied
    payment = Payment.objects.select_related("account__owner").filter(pk=payment_id).first()
    if payment is None:
        raise Http404
    left_nano = refunds.left_nano(payment)
    initial = {"key": uuid.uuid4(), "amount": left_nano}
    form = RefundForm(request.POST or None, initial=initial, left_nano=left_nano)
    if request.method == "POST" and form.is_valid():
        try:
            return _give_back(model_admin, request, payment, **form.cleaned_data)
        except NoShop:
            form.add_error(None, gettext("No shop is configured: set YOOKASSA_SHOP_ID."))
        except PaymentProviderAway as error:
            form.add_error(None, gettext("The shop refuses: %(cause)s") % {"cause": error})
    context = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("Give a payment back"),
        "subtitle": str(payment),
        "opts": model_admin.opts,
        "payment": payment,
        "left_nano": left_nano,
        "balance": balances.exact(payment.account_id),
        "form": form,
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "admin/billing/refund.html", context, status=status)


def _give_back(
    model_admin: AuditedAdmin,
    request: HttpRequest,
    payment: Payment,
    *,
    key: uuid.UUID,
    amount: int,
    reason: str,
) -> HttpResponse:
    refund = refunds.give_back(payment, amount, key=key)
    done = gettext("%(amount)s are given back.") % {"amount": roubles(amount)}
    if refund is None:
        done = gettext("The shop has taken the refund; it is booked when it has succeeded.")
    detail = {"credits": credits_text(amount), "refund": str(refund or "")}
    model_admin.tell(request, payment, Action.REFUND, done, reason=reason, detail=detail)
    messages.success(request, done)
    return redirect("admin:billing_payment_change", payment.pk)
