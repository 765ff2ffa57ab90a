"""The forms of the billing page: top-ups, by hand and automatic, redemption code, low-balance alert."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing.payments.auto_top_up import CONSENT, AutoTopUp, Terms
from billing.payments.top_ups import MOST_ROUBLES
from billing.roubles_field import RoublesField
from infra.credits import NANO_PER_CREDIT

PRESETS = (500, 1000, 5000)


class TopUpForm(forms.Form):
    """An amount, typed or picked, cleaned to nano-credits in `amount`.

    `token` distinguishes a form sent twice from two forms.
    """

    token = forms.UUIDField(widget=forms.HiddenInput, required=False)
    amount = RoublesField(
        is_kopecks=True,
        label=_("Amount in roubles"),
        help_text=_("From 1 to 1,000,000 roubles. 1 credit is 1 rouble."),
        required=False,
    )
    saves_method = forms.BooleanField(
        label=_("Save the card for automatic top-ups"),
        help_text=_("They begin only when you turn them on, on this page, with terms of your own."),
        required=False,
    )
    preset = forms.TypedChoiceField(
        choices=[(amount, amount) for amount in PRESETS],
        coerce=lambda roubles: int(roubles) * NANO_PER_CREDIT,
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
        """Return the idempotence key: the same form sent again with the same amount is the same payment."""
        token = self.cleaned_data.get("token") or uuid.uuid4()
        saves = ", saved" if self.cleaned_data["saves_method"] else ""
        return uuid.uuid5(token, f"{account_id}: {self.cleaned_data['amount']}{saves}")


class AutoTopUpForm(forms.Form):
    """The terms of automatic top-ups, and the consent to them."""

    threshold = RoublesField(is_kopecks=True, label=_("When the balance falls below, roubles"))
    amount = RoublesField(
        is_kopecks=True,
        label=_("Top up by, roubles"),
        help_text=_("100 roubles at least."),
    )
    month_cap = RoublesField(
        is_kopecks=True,
        label=_("A calendar month at most, roubles"),
        help_text=_("What would go above it is not charged; the month is Moscow's."),
    )
    consent = forms.BooleanField(
        label=CONSENT, error_messages={"required": _("Without your consent nothing is turned on.")}
    )
    # Beside the other forms of the page.
    prefix = "auto"

    @classmethod
    def of(cls, saved: AutoTopUp | None) -> "AutoTopUpForm":
        """Return the form with the terms there are."""
        if saved is None or saved.amount_nano is None:
            return cls()
        terms = ("threshold", "amount", "month_cap")
        return cls(initial={name: getattr(saved, f"{name}_nano") for name in terms})

    def terms(self) -> Terms:
        return Terms(
            threshold_nano=self.cleaned_data["threshold"],
            amount_nano=self.cleaned_data["amount"],
            month_cap_nano=self.cleaned_data["month_cap"],
        )


class RedemptionForm(forms.Form):
    """A redemption code, as it was typed or pasted."""

    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        help_text=_("Like XR-7K3M-Q2ZD-90AB-CDEF; small letters and missing dashes do no harm."),
        widget=forms.TextInput(
            {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
        error_messages={"required": _("Type the code.")},
    )


class AlertForm(forms.Form):
    """The balance below which a mail is sent; an empty one ends the mails."""

    threshold = RoublesField(
        is_kopecks=True,
        label=_("Balance in roubles"),
        help_text=_("Leave it empty to get no mail."),
        required=False,
    )

    def clean_threshold(self) -> int | None:
        threshold_nano: int | None = self.cleaned_data["threshold"]
        if threshold_nano is not None and not 0 < threshold_nano <= MOST_ROUBLES * NANO_PER_CREDIT:
            raise ValidationError(_("The balance to watch for is above zero, and below a million."))
        return threshold_nano
