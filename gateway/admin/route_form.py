"""The form of a route: what the upstream model can do has a field for each capability of a profile."""

import re
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gateway.admin.parameter_table import ParametersField
from gateway.models import Route
from gateway.providers.profile import ModelProfile, read_profile

SUPPORT = (("none", _("no")), ("native", _("by itself")), ("emulated", _("emulated by us")))
SIZES = ("context_tokens", "max_output_tokens")
NOTHING: tuple[Any, ...] = (None, "", "none", False, [], {})
"""What a capability is left out for; `reasoning_off` has a "none" of its own."""


class SupportField(forms.ChoiceField):
    """Whether the model has a capability by itself, or we emulate it, or neither."""

    def __init__(self, label: Any) -> None:
        super().__init__(choices=SUPPORT, label=label, required=False)


class FlagField(forms.BooleanField):
    """Whether the model has a capability."""

    def __init__(self, label: Any) -> None:
        super().__init__(label=label, required=False)


class DimensionsField(forms.CharField):
    """Lengths of vectors, cleaned to whole numbers."""

    def to_python(self, value: Any) -> list[int]:  # type: ignore[override]  # not a text
        parts = [part.strip() for part in (value or "").split(",") if part.strip()]
        if not all(re.fullmatch("[1-9][0-9]{0,8}", part) for part in parts):
            raise ValidationError(_("Write whole numbers from 1 up, with commas between them."))
        return [int(part) for part in parts]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial or []) != (data or ""))


class RouteForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker alone
    """A route with its profile. Every field of a ModelProfile has a field of this form."""

    context_tokens = forms.IntegerField(
        min_value=0, required=False, label=_("Context, tokens"), help_text=_("Empty: the model's.")
    )
    max_output_tokens = forms.IntegerField(
        min_value=0,
        required=False,
        label=_("Longest answer, tokens"),
        help_text=_("Empty: the model's."),
    )
    tools = SupportField(_("Tools"))
    tool_choice_required = SupportField(_("A tool can be required"))
    parallel_tool_calls = FlagField(_("Several tool calls in one answer"))
    json_object = SupportField(_("JSON"))
    json_schema = SupportField(_("JSON by a schema"))
    images = FlagField(_("Sees pictures"))
    can_deny_data_collection = FlagField(_("Can be told not to keep data"))
    wire = forms.CharField(
        label=_("Form of the API"),
        max_length=32,
        required=False,
        help_text=_("For GigaChat: auto or v2. Empty where the provider has but one."),
    )
    dimensions = DimensionsField(
        label=_("Lengths of vectors"),
        required=False,
        help_text=_("Which callers may choose from, with commas between them."),
    )
    reasoning_off = forms.ChoiceField(
        choices=(("", _("nothing")), ("none", "none"), ("off", "off")),
        label=_("Sent where no reasoning is wanted"),
        required=False,
        help_text=_("For a model that reasons unless it is told not to."),
    )
    parameters = ParametersField(label=_("Request parameters"), required=False)
    drop_unknown = forms.BooleanField(
        label=_("Drop what the code does not know"), required=False, widget=forms.HiddenInput
    )

    class Meta:
        model = Route
        exclude: ClassVar[tuple[str, ...]] = ("profile",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.profile if isinstance(self.instance.profile, dict) else {}
        known = {name: stored[name] for name in ModelProfile.__slots__ if name in stored}
        self.initial = known | dict(self.initial)
        self._unknown = {name: stored[name] for name in stored if name not in known}
        if self._unknown:
            self.fields["drop_unknown"].widget = forms.CheckboxInput()
            self.fields["drop_unknown"].help_text = ", ".join(map(str, self._unknown))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        profile = {
            name: cleaned[name] for name in ModelProfile.__slots__ if _is_said(name, cleaned)
        }
        if not cleaned.get("drop_unknown"):
            profile |= self._unknown
        # The model's own check would name a field that the form does not have.
        self.instance.profile = {}
        try:
            read_profile(profile, context_tokens=1, max_output_tokens=1)
        except ValueError as error:
            self.add_error(
                None, gettext("The capabilities cannot be saved: %(why)s") % {"why": error}
            )
        else:
            self.instance.profile = profile
        return cleaned


def _is_said(name: str, cleaned: dict[str, Any]) -> bool:
    """Say whether a capability is to be kept: it differs from what leaving it out means."""
    value = cleaned.get(name)
    if name == "reasoning_off":
        return bool(value)
    if name in SIZES:
        return value is not None
    return value not in NOTHING
