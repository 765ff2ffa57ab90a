"""The settings of a credential: a line for each of its provider's, in place of the JSON that keeps them."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gateway.providers.registry import BUILT_IN
from gateway.upstreams.environment import variable

Settings = dict[str, str]

LABELS: Mapping[str, str | Promise] = {
    "auth_url": _("address that gives tokens"),
    "base_url": _("address of the API"),
    "ca_bundle_file": _("file of root certificates"),
    "chat_form": _("version of the chat protocol"),
    "folder_id": _("folder"),
    "iam_url": _("address that gives IAM tokens"),
    "scope": _("scope"),
}
LINES = tuple((slug, name) for slug, provider in BUILT_IN.items() for name in provider.settings)


class SettingsWidget(forms.MultiWidget):
    """The lines of `provider`, or of all; what is empty is shown as the environment has it."""

    template_name = "admin/widgets/settings.html"
    provider = ""
    shows_all = False

    def __init__(self) -> None:
        inputs: dict[str, forms.Widget | type[forms.Widget]] = {
            f"{slug}_{name}": forms.TextInput({"class": "vTextField"}) for slug, name in LINES
        }
        super().__init__(inputs)

    def decompress(self, value: Any) -> list[str]:
        own: Mapping[str, str] = value or {}
        return [own.get(name, "") if slug == self.provider else "" for slug, name in LINES]

    def get_context(self, name: str, value: Any, attrs: Mapping[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)  # type: ignore[arg-type]  # of any mapping
        groups: dict[str, list[tuple[str | Promise, Any]]] = {}
        for (slug, setting), shown in zip(LINES, context["widget"]["subwidgets"], strict=True):
            if self.shows_all or self.provider in ("", slug):
                shown["attrs"]["placeholder"] = variable(BUILT_IN[slug].settings[setting])
                groups.setdefault(BUILT_IN[slug].title, []).append(
                    (LABELS.get(setting, setting), shown)
                )
        return context | {"groups": groups}


class SettingsField(forms.MultiValueField):
    """Cleaned to the settings that are filled in, by provider."""

    widget = SettingsWidget

    def __init__(self, **options: Any) -> None:
        texts = [forms.CharField(required=False) for _line in LINES]
        super().__init__(texts, required=False, require_all_fields=False, **options)

    def compress(self, data_list: Sequence[str]) -> dict[str, Settings]:
        filled: dict[str, Settings] = {}
        for (slug, name), value in zip(LINES, data_list, strict=False):
            if value:
                if name.endswith("_url") and not _is_address(value):
                    text = _("%(setting)s: write an address that begins with http:// or https://.")
                    raise ValidationError(text, params={"setting": LABELS[name]})
                filled.setdefault(slug, {})[name] = value
        return filled


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port that is none, too
        return False
