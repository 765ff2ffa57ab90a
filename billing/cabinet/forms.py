"""The forms of money: what people type as an amount is read exactly, or not at all."""

import re
import uuid
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing.payments import MOST_ROUBLES

PRESETS = (500, 1000, 5000)
AMOUNT_MAX_CHARS = 32

_AMOUNT = re.compile(r"(-?(?:[0-9]+|[0-9]{1,3}(?: [0-9]{3})+))(?:[.,]([0-9]{1,2}))?")
_SPACES = str.maketrans(dict.fromkeys("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}", " "))


class AmountField(forms.CharField):
    """Roubles as people write them: a point or a comma before the kopecks, spaces between thousands.

    `1,000` could mean two amounts and is refused.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=AMOUNT_MAX_CHARS, **options)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # not a text
        text = (super().to_python(value) or "").translate(_SPACES).strip()
        if not text:
            return None
        found = _AMOUNT.fullmatch(text) if len(text) <= AMOUNT_MAX_CHARS else None
        if found is None:
            raise ValidationError(
                _("Write roubles, and kopecks if there are any: 1500 or 99,50."),
                code="invalid_amount",
            )
        return Decimal(f"{found[1].replace(' ', '')}.{(found[2] or '').ljust(2, '0')}")

    def run_validators(self, value: Any) -> None:
        """Leave the length to the text: the value is a number."""


class TopUpForm(forms.Form):
    """An amount, typed or picked. `token` tells a form that is sent twice from two forms."""

    token = forms.UUIDField(widget=forms.HiddenInput, required=False)
    amount = AmountField(
        label=_("Amount in roubles"),
        help_text=_("From 1 to 1,000,000 roubles. 1 credit is 1 rouble."),
        required=False,
    )
    preset = forms.TypedChoiceField(
        choices=[(amount, amount) for amount in PRESETS],
        coerce=lambda amount: Decimal(f"{amount}.00"),
        empty_value=None,
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self.errors.pop("token", None)  # nobody typed it
        if preset := cleaned.get("preset"):
            self.errors.pop("amount", None)
            cleaned["amount"] = preset
        elif cleaned.get("amount") is None and "amount" not in self.errors:
            self.add_error("amount", _("Write how much to top up by."))
        return cleaned

    def key(self, account_id: int) -> uuid.UUID:
        """Return what names the payment: this form, sent again with this amount, means the same one."""
        token = self.cleaned_data.get("token") or uuid.uuid4()
        return uuid.uuid5(token, f"{account_id}: {self.cleaned_data['amount']}")


class AlertForm(forms.Form):
    """The balance below which a mail is sent; an empty one ends the mails."""

    threshold = AmountField(
        label=_("Balance in roubles"), help_text=_("Leave it empty to get no mail."), required=False
    )

    def clean_threshold(self) -> Decimal | None:
        threshold: Decimal | None = self.cleaned_data["threshold"]
        if threshold is not None and not 0 < threshold <= MOST_ROUBLES:
            raise ValidationError(_("The balance to watch for is above zero, and below a million."))
        return threshold
