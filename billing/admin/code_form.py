"""The operators' page that makes a batch of redemption codes, and shows them this once."""

import uuid
from datetime import date, timedelta
from typing import Any, cast
from urllib.parse import quote

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import MaxValueValidator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.audit.audited_admin import AuditedAdmin
from billing import redemption_codes
from billing.errors import BatchMade
from billing.payments.top_ups import MOST_ROUBLES
from billing.redemption_codes import MOST_CODES
from billing.roubles_field import RoublesField
from infra.credits import NANO_PER_CREDIT, credits_text
from infra.moscow_time import midnight, moscow_day
from infra.spreadsheet import BYTE_ORDER_MARK, csv_cell

VALID_FOR = timedelta(days=90)


class CodeBatchForm(forms.Form):
    """`key` makes a form that is sent twice one batch."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    amount = RoublesField(label=_("Each code is worth, roubles"), is_kopecks=True)
    count = forms.IntegerField(label=_("How many codes"), min_value=1, max_value=MOST_CODES)
    expires_on = forms.DateField(
        label=_("Valid through"),
        validators=[MaxValueValidator(date(2199, 12, 31))],
        widget=AdminDateWidget(),
        help_text=_("The last day on which they can be redeemed, by Moscow's time."),
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=200,
        help_text=_("What they are for. Operators read it; customers do not."),
        widget=forms.TextInput({"class": "vTextField", "autocomplete": "off"}),
    )
    email = forms.EmailField(
        label=_("For the e-mail"),
        required=False,
        help_text=_("Only an account with this address redeems them. Empty: anybody's does."),
        widget=forms.EmailInput({"class": "vTextField", "autocomplete": "off"}),
    )

    def clean_amount(self) -> int:
        amount_nano: int = self.cleaned_data["amount"]
        if not 0 < amount_nano <= MOST_ROUBLES * NANO_PER_CREDIT:
            raise ValidationError(_("A code is worth more than 0 and 1,000,000 roubles at most."))
        return amount_nano

    def clean_expires_on(self) -> date:
        day: date = self.cleaned_data["expires_on"]
        if day < moscow_day(timezone.now()):
            raise ValidationError(_("This day is over: the codes could never be redeemed."))
        return day


def code_batch_page(model_admin: AuditedAdmin, request: HttpRequest) -> HttpResponse:
    """Show the form; a POST makes the batch, once, and its answer alone shows the codes."""
    if not request.user.has_perm("billing.add_codebatch"):
        raise PermissionDenied
    last_day = moscow_day(timezone.now() + VALID_FOR)
    form = CodeBatchForm(
        request.POST or None, initial={"key": uuid.uuid4(), "expires_on": last_day}
    )
    made: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        try:
            made = _make(operator_id=cast("int", request.user.pk), **form.cleaned_data)
        except BatchMade:
            form.add_error(
                None,
                gettext(
                    "This batch is made already, and its codes were shown. If they are lost, void"
                    " the batch and make another."
                ),
            )
    context = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("Make redemption codes"),
        "opts": model_admin.opts,
        "form": form,
        "media": model_admin.media + form.media,
        **made,
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "admin/billing/make_codes.html", context, status=status)


def _make(
    *,
    operator_id: int,
    key: uuid.UUID,
    amount: int,
    count: int,
    expires_on: date,
    note: str,
    email: str,
) -> dict[str, Any]:
    """Make the batch, and return what its page shows."""
    batch, codes = redemption_codes.make_batch(
        amount,
        count,
        key=key,
        expires_at=midnight(expires_on + timedelta(days=1)),
        note=note,
        email=email,
        operator_id=operator_id,
    )
    shown = [redemption_codes.shown(code) for code in codes]
    roubles = credits_text(amount).replace(".", ",")
    rows = [f"{code};{roubles};{expires_on};{_quoted(note)}" for code in shown]
    head = ";".join(
        [gettext("Code"), gettext("Roubles"), gettext("Valid through"), gettext("Note")]
    )
    table = BYTE_ORDER_MARK + "\r\n".join([head, *rows]) + "\r\n"
    return {
        "batch": batch,
        "codes": shown,
        "expires_on": expires_on,
        "file_name": f"codes-{batch.pk}.csv",
        "file_address": f"data:text/csv;charset=utf-8,{quote(table)}",
    }


def _quoted(text: str) -> str:
    """Return a text as a cell of a CSV file."""
    cell = csv_cell(text).replace('"', '""')
    return f'"{cell}"'
