"""The forms of an API key, with the domain's errors at their fields."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidKeySetting
from accounts.keys.issuing import OVERLAP_MAX_S
from accounts.keys.key_settings import (
    KEY_CONCURRENCY_MAX,
    NAME_MAX_CHARS,
    RATE_MAX,
    KeySettings,
    columns_of,
)
from accounts.keys.lookup import APIKey
from accounts.principal import KeyRate, LimitReset
from billing.roubles_field import RoublesField

MINUTE_S, DAY_S = 60, 86_400

_FIELDS = {"rate_limit": "rate_requests"}
"""The form's field of a setting, where the names differ."""
_REFUSALS: dict[str, str | Promise] = {
    "name": _("Write a name of 1 to 100 characters, without control characters."),
    "limit": _("A limit is not negative, and not above 1,000,000,000 roubles."),
    "rate_limit": _("A rate is at least 1 request."),
    "concurrency": _("A key runs from 1 to 500 requests at once."),
    "expires_at": _("Choose a moment in the future."),
    "allowed_models": _("Choose 100 models at most."),
    "allowed_ips": _(
        "Write addresses or networks such as 203.0.113.7 or 10.0.0.0/8, one in a line, 100 at most."
    ),
}


class KeyForm(forms.Form):
    """The settings of a key. An empty field means no limit."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_MAX_CHARS,
        help_text=_("For you alone: what the key is for."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    limit = RoublesField(
        label=_("Spending limit, ₽"),
        required=False,
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
    concurrency = forms.IntegerField(
        label=_("Requests at once"),
        required=False,
        min_value=1,
        max_value=KEY_CONCURRENCY_MAX,
        help_text=_("Empty: as many as your account may run."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    expires_at = forms.DateTimeField(
        label=_("Works until"),
        required=False,
        help_text=_("Moscow time. Empty: until it is revoked."),
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local", "autocomplete": "off"}, format="%Y-%m-%dT%H:%M"
        ),
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
        """Offer these models, and the values that the `key` being edited has besides."""
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

    def clean_limit(self) -> int | None:
        limit_nano: int | None = self.cleaned_data["limit"]
        _check({"limit_nano": limit_nano})
        return limit_nano

    def clean_expires_at(self) -> datetime | None:
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if "expires_at" in self.changed_data:  # the time of an expired key may stay as it is
            _check({"expires_at": expires_at})
        return expires_at

    def clean_allowed_ips(self) -> list[str]:
        texts: list[str] = self.cleaned_data["allowed_ips"].replace(",", " ").split()
        _check({"allowed_ips": texts})
        return texts

    def settings(self) -> KeySettings:
        """Return the entered settings."""
        data = self.cleaned_data
        limit_nano: int | None = data["limit"]
        reset = cast("LimitReset | None", data["limit_reset"] or None)
        requests: int | None = data["rate_requests"]
        settings = KeySettings(
            name=data["name"],
            limit_nano=limit_nano,
            limit_reset=None if limit_nano is None else reset,
            rate=None if requests is None else KeyRate(requests, data["rate_window_s"] or MINUTE_S),
            allowed_models=data["allowed_models"],
            allowed_ips=data["allowed_ips"],
            concurrency=data["concurrency"],
        )
        if "expires_at" in self.changed_data:
            settings["expires_at"] = data["expires_at"]
        return settings

    def refuse(self, error: InvalidKeySetting) -> None:
        """Show an error of the domain at its field."""
        field = _FIELDS.get(error.field, error.field)
        message = _REFUSALS.get(error.field, str(error))
        self.add_error(field if field in self.fields else None, str(message))


class NewKeyForm(KeyForm):
    """A new key; only the name is required."""

    is_test = forms.BooleanField(
        label=_("Test key"),
        required=False,
        help_text=_("Answered by the sandbox, for nothing, with every model."),
    )


def _check(settings: KeySettings) -> None:
    """Raise ValidationError for a setting that the domain would refuse."""
    try:
        columns_of(settings)
    except InvalidKeySetting as error:
        raise ValidationError(str(_REFUSALS[error.field])) from None


def _initial(key: APIKey) -> dict[str, object]:
    return {
        "name": key.name,
        "limit": key.limit_nano,
        "limit_reset": key.limit_reset or "",
        "rate_requests": key.rate_requests,
        "rate_window_s": key.rate_window_s or MINUTE_S,
        "concurrency": key.concurrency,
        "expires_at": key.expires_at and key.expires_at.replace(second=0, microsecond=0),
        "allowed_models": key.allowed_models,
        "allowed_ips": "\n".join(key.allowed_ips),
    }


class RotationForm(forms.Form):
    """How long a key works beside its successor."""

    overlap_s = forms.TypedChoiceField(
        label=_("The old key works"),
        coerce=int,
        choices=[
            (0, _("no longer")),
            (3600, _("for an hour more")),
            (DAY_S, _("for a day more")),
            (OVERLAP_MAX_S, _("for a week more")),
        ],
        initial=DAY_S,
        help_text=_("Time to put the new key wherever the old one is used."),
    )
