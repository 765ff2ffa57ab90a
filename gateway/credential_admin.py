"""The operators' desk of providers' credentials, which are written and never shown, and of own servers."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.desk import Desk
from gateway.models import OpenAIServer, ProviderCredential
from gateway.provider_credentials import ADDRESSES, SETTINGS

if TYPE_CHECKING:  # generic for the type checker alone
    _CredentialForm = forms.ModelForm[ProviderCredential]
    _ServerForm = forms.ModelForm[OpenAIServer]
else:
    _CredentialForm = _ServerForm = forms.ModelForm

LONGEST_SECRET = 20_000


class CredentialForm(_CredentialForm):
    """A secret goes in, and no form gives it out; it is never sent to an address it was not given for."""

    provider = forms.ChoiceField(label=_("provider"))
    secret = forms.CharField(
        label=_("secret"),
        required=False,
        max_length=LONGEST_SECRET,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "size": 60}),
        help_text=_(
            "An authorization key of GigaChat, an API key, or the whole JSON key of a service account of"
            " Yandex. Empty: the one that is kept."
        ),
    )

    class Meta:
        model = ProviderCredential
        fields = ("provider", "name", "secret", "settings", "concurrency", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slugs = [*SETTINGS, *OpenAIServer._default_manager.values_list("slug", flat=True)]
        field = self.fields["provider"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(slug, slug) for slug in slugs]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("secret"):
            self.instance.seal(cleaned["secret"])
        elif self.instance._state.adding:
            raise ValidationError({"secret": _("A new credential needs its secret.")})
        elif self._is_sent_elsewhere(cleaned):
            raise ValidationError(
                {"secret": _("Give the secret again: it would be sent to another address.")}
            )
        return cleaned

    def _is_sent_elsewhere(self, cleaned: dict[str, Any]) -> bool:
        before, after = self.initial.get("settings"), cleaned.get("settings")
        return self.initial.get("provider") != cleaned.get("provider") or any(
            _value(before, name) != _value(after, name) for name in ADDRESSES
        )


@admin.register(ProviderCredential)
class CredentialAdmin(Desk):
    """The credentials of every provider; those of the environment are not here."""

    form = CredentialForm  # type: ignore[assignment]  # a desk is of any model
    fields = (
        *("provider", "name", "secret", "shown_fingerprint", "settings", "concurrency", "enabled"),
        *("key_id", "secret_set_at"),
    )
    readonly_fields = ("shown_fingerprint", "key_id", "secret_set_at")
    list_display = (
        *("provider", "name", "shown_fingerprint", "concurrency", "enabled", "secret_set_at"),
    )
    list_filter = ("provider", "enabled")
    search_fields = ("name",)

    @admin.display(description=_("fingerprint"))
    def shown_fingerprint(self, credential: ProviderCredential) -> str:
        return f"…{credential.fingerprint}" if credential.fingerprint else ""


class ServerForm(_ServerForm):
    """The keys of a server were given for its address."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        addresses = {"slug", "base_url", "ca_bundle_file"}
        if not self.instance._state.adding and addresses.intersection(self.changed_data):
            stored = ProviderCredential._default_manager.filter(provider=self.initial["slug"])
            if stored.exists():
                raise ValidationError(
                    _("Its keys were given for the present address: delete them first.")
                )
        return cleaned


@admin.register(OpenAIServer)
class ServerAdmin(Desk):
    """Providers that are an address and a few rows."""

    form = ServerForm  # type: ignore[assignment]
    list_display = ("slug", "name", "base_url", "concurrency", "enabled")
    list_filter = ("enabled",)
    search_fields = ("slug", "name", "base_url")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A server goes after its keys."""
        is_empty = obj is None or not (
            ProviderCredential._default_manager.filter(provider=obj.slug).exists()
        )
        return is_empty and super().has_delete_permission(request, obj)


def _value(settings: object, name: str) -> object:
    return settings.get(name) if isinstance(settings, dict) else None
