"""The forms of a key: what its owner may set, in people's units, and the domain's refusals at their fields."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidKeySetting
from accounts.key_settings import NAME_MAX_CHARS, RATE_MAX, KeySettings, columns_of
from accounts.models import APIKey
from accounts.principal import KeyRate, LimitReset
from billing.pricing import credits_text, nano_of

MOST_ROUBLES = 10**9
MINUTE_S, DAY_S = 60, 86_400

_AMBIGUOUS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_FIELDS = {"rate_limit": "rate_requests"}
"""Our field for a setting of the domain, where the names differ."""
_REFUSALS: dict[str, str | Promise] = {
    "name": _("Write a name of 1 to 100 characters, without control characters."),
    "limit": _("A limit is not negative, and not above 1,000,000,000 roubles."),
    "rate_limit": _("A rate is at least 1 request."),
    "allowed_models": _("Choose 100 models at most."),
    "allowed_ips": _(
        "Write addresses or networks such as 203.0.113.7 or 10.0.0.0/8, one in a line, 100 at most."
    ),
}


class RoublesField(forms.DecimalField):
    """An amount with a comma or a point, with or without spaces; `1,000` could mean two and is refused."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    default_error_messages = {  # noqa: RUF012 -- as in Django's own fields
        "invalid": _("Write an amount in roubles, such as 500 or 99.50.")
    }

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # Decimal's stub is int's
        if isinstance(value, str) and not _AMBIGUOUS.fullmatch(value.strip()):
            value = "".join(value.split()).replace(",", ".")
        return super().to_python(value)


class KeyForm(forms.Form):
    """All that can be changed of a key. An empty field sets no bound."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_MAX_CHARS,
        help_text=_("For you alone: what the key is for."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    limit = RoublesField(
        label=_("Spending limit, ₽"),
        required=False,
        min_value=0,
        max_value=MOST_ROUBLES,
        decimal_places=9,
        help_text=_("Requests above it are refused. Empty: the balance alone is the limit."),
    )
    limit_reset = forms.ChoiceField(
        label=_("The limit is for"),
        required=False,
        choices=[
            ("", _("all the life of the key")),
            (APIKey.Reset.DAILY, _("a day")),
            (APIKey.Reset.WEEKLY, _("a week, from Monday")),
            (APIKey.Reset.MONTHLY, _("a month")),
        ],
        help_text=_("Days are Moscow's."),
    )
    rate_requests = forms.IntegerField(
        label=_("Requests at most"),
        required=False,
        min_value=1,
        max_value=RATE_MAX,
        help_text=_("Tighter than your account's own limits. Empty: those alone."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    rate_window_s = forms.TypedChoiceField(
        label=_("In what time"), coerce=int, required=False, empty_value=None, initial=MINUTE_S
    )
    allowed_models = forms.MultipleChoiceField(
        label=_("Allowed models"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: the key may use every model."),
    )
    allowed_ips = forms.CharField(
        label=_("Allowed IP addresses"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("Addresses or networks, one in a line. Empty: from anywhere."),
    )

    def __init__(
        self, *args: Any, model_ids: Iterable[str], key: APIKey | None = None, **options: Any
    ):
        """Offer the models by id, and what the `key` that is edited has beside them."""
        if key is not None:
            options["initial"] = _initial(key)
        super().__init__(*args, **options)
        windows: dict[int, str | Promise] = {
            1: _("one second"),
            MINUTE_S: _("one minute"),
            DAY_S: _("one day"),
        }
        named = dict.fromkeys(model_ids)
        if key is not None:
            named |= dict.fromkeys(key.allowed_models)
            if key.rate_window_s is not None and key.rate_window_s not in windows:
                windows[key.rate_window_s] = f"{key.rate_window_s} s"
        models = cast("forms.MultipleChoiceField", self.fields["allowed_models"])
        models.choices = [(name, name) for name in named]
        window = cast("forms.TypedChoiceField", self.fields["rate_window_s"])
        window.choices = list(windows.items())

    def clean_allowed_ips(self) -> list[str]:
        texts: list[str] = self.cleaned_data["allowed_ips"].replace(",", " ").split()
        try:
            columns_of({"allowed_ips": texts})
        except InvalidKeySetting as error:
            raise ValidationError(str(_REFUSALS[error.field])) from None
        return texts

    def settings(self) -> KeySettings:
        """Return what was entered, as the domain takes it."""
        data = self.cleaned_data
        limit: Decimal | None = data["limit"]
        reset = cast("LimitReset | None", data["limit_reset"] or None)
        requests: int | None = data["rate_requests"]
        return KeySettings(
            name=data["name"],
            limit_nano=None if limit is None else nano_of(limit),
            limit_reset=None if limit is None else reset,
            rate=None if requests is None else KeyRate(requests, data["rate_window_s"] or MINUTE_S),
            allowed_models=data["allowed_models"],
            allowed_ips=data["allowed_ips"],
        )

    def refuse(self, error: InvalidKeySetting) -> None:
        """Say at its field what the domain did not take."""
        field = _FIELDS.get(error.field, error.field)
        message = _REFUSALS.get(error.field, str(error))
        self.add_error(field if field in self.fields else None, str(message))


class NewKeyForm(KeyForm):
    """A key to be: a name is enough."""

    is_test = forms.BooleanField(
        label=_("Test key"),
        required=False,
        help_text=_("Answered by the sandbox, for nothing, with every model."),
    )


def _initial(key: APIKey) -> dict[str, object]:
    return {
        "name": key.name,
        "limit": None if key.limit_nano is None else credits_text(key.limit_nano),
        "limit_reset": key.limit_reset or "",
        "rate_requests": key.rate_requests,
        "rate_window_s": key.rate_window_s or MINUTE_S,
        "allowed_models": key.allowed_models,
        "allowed_ips": "\n".join(key.allowed_ips),
    }
