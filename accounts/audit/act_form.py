"""The form of an act that is asked about before it is done."""

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.audit.log import REASON_MAX_CHARS


class ActForm(forms.Form):
    """Why something is done; the audit log keeps it."""

    reason = forms.CharField(
        label=pgettext_lazy("of an act", "Reason"),
        max_length=REASON_MAX_CHARS,
        widget=forms.Textarea({"rows": 2}),
        error_messages={"required": _("Say why.")},
    )
