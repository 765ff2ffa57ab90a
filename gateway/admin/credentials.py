"""Admin pages for provider credentials, whose secrets are written and never shown, and for own servers."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from accounts.audit.audited_admin import AuditedAdmin
from accounts.audit.day_filter import DayFilter
from gateway.admin.presets import preset_page
from gateway.admin.settings_field import SettingsField
from gateway.catalog import snapshot
from gateway.models import OpenAIServer, ProviderCredential
from gateway.providers.errors import ProviderError
from gateway.providers.registry import BUILT_IN, title
from gateway.upstreams import pool
from gateway.upstreams.adapters import built
from gateway.upstreams.trial import explained, try_out
from infra.secret_box import SecretUnreadable

if TYPE_CHECKING:  # generic for the type checker alone
    _CredentialForm = forms.ModelForm[ProviderCredential]
    _ServerForm = forms.ModelForm[OpenAIServer]
else:
    _CredentialForm = _ServerForm = forms.ModelForm

LONGEST_SECRET = 20_000
_NOT_ACCEPTED = _(
    "The provider does not accept it. %(cause)s Save it disabled to keep it for later."
)
_UNREAD_ROOTS = _("The file of root certificates cannot be read: %(cause)s")
_UNUSABLE = _("The secret and the settings cannot be used as they stand. %(cause)s")
_NOBODY_SERVES = _("Nobody would serve these models any more: %(models)s. Tick here to go on.")


class CredentialForm(_CredentialForm):
    """Takes a secret and never shows it. A new address needs the secret again, so none leaks to it."""

    provider = forms.ChoiceField(label=_("provider"))
    confirm = forms.BooleanField(
        label=_("models may go"),
        required=False,
        help_text=_("Needed to disable the last credential of a provider."),
    )
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
    settings = SettingsField(
        label=_("settings"), help_text=_("What is left empty is taken from the environment.")
    )

    class Meta:
        model = ProviderCredential
        fields = ("provider", "name", "secret", "settings", "concurrency", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slugs = [*BUILT_IN, *OpenAIServer._default_manager.values_list("slug", flat=True)]
        field = self.fields["provider"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(slug, title(slug)) for slug in slugs]
        widget, provider = self.fields["settings"].widget, self.instance.provider
        widget.provider = provider
        widget.shows_all = self.data.get("provider", provider) != provider

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        filled = cleaned.get("settings") or {}
        cleaned["settings"] = filled.pop(cleaned.get("provider"), {})
        if filled:
            names = ", ".join(map(title, filled))
            self.add_error("settings", _("Leave the lines of %(names)s empty.") % {"names": names})
        if cleaned.get("secret"):
            self.instance.seal(cleaned["secret"])
        elif self.instance._state.adding:
            raise ValidationError({"secret": _("A new credential needs its secret.")})
        elif self._is_sent_elsewhere(cleaned):
            raise ValidationError(
                {"secret": _("Give the secret again: it would be sent to another address.")}
            )
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # not in the stubs; it fills the instance
        if self.errors:
            return
        if self.cleaned_data["enabled"]:
            self._try_out()
        elif self._is_switched_off() and not self.cleaned_data["confirm"]:
            self._show_consequences()

    def _is_switched_off(self) -> bool:
        return bool(self.initial.get("enabled")) and not self.instance._state.adding

    def _try_out(self) -> None:
        """Refuse what the provider does not accept: it would take its place and answer nobody."""
        try:
            adapter = built(pool.stored(self.instance))
        except OSError as error:
            self.add_error("settings", _UNREAD_ROOTS % {"cause": error.strerror or error})
            return
        except (ImproperlyConfigured, SecretUnreadable, ValueError) as error:
            self.add_error(None, _UNUSABLE % {"cause": error})
            return
        try:
            try_out(adapter)
        except ProviderError as error:
            self.add_error("secret", _NOT_ACCEPTED % {"cause": explained(error)})
        finally:
            adapter.close()

    def _show_consequences(self) -> None:
        """Say which models nobody will serve without this credential, and ask for a confirmation."""
        lost = models_of_alone(self.instance)
        if lost:
            self.add_error("confirm", _NOBODY_SERVES % {"models": ", ".join(lost)})

    def _is_sent_elsewhere(self, cleaned: dict[str, Any]) -> bool:
        before, after = self.initial.get("settings"), cleaned.get("settings")
        built_in = BUILT_IN.get(cleaned.get("provider", ""))
        return self.initial.get("provider") != cleaned.get("provider") or any(
            _value(before, name) != _value(after, name)
            for name in (built_in.addresses if built_in else ())
        )


@admin.register(ProviderCredential)
class CredentialAdmin(AuditedAdmin):
    """The credentials in the table; those of the environment are not shown."""

    form = CredentialForm  # type: ignore[assignment]  # an admin is of any model
    fields = (
        *("provider", "name", "secret", "shown_fingerprint", "settings", "concurrency", "enabled"),
        *("confirm", "key_id", "secret_set_at"),
    )
    readonly_fields = ("shown_fingerprint", "key_id", "secret_set_at")
    new_fields = ("provider", "name", "secret", "settings", "concurrency", "enabled")
    list_display = (
        *("provider", "name", "shown_fingerprint", "concurrency", "enabled", "secret_set_at"),
    )
    list_filter = ("provider", "enabled", DayFilter.of("secret_set_at"))
    search_fields = ("name",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask a new one only for what it has."""
        return self.new_fields if obj is None else self.fields

    @admin.display(description=_("fingerprint"))
    def shown_fingerprint(self, credential: ProviderCredential) -> str:
        return f"…{credential.fingerprint}" if credential.fingerprint else ""


class ServerForm(_ServerForm):
    """Refuses a new address for a server that has keys: they were given for the present one."""

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
class ServerAdmin(AuditedAdmin):
    """OpenAI-compatible servers of the operator."""

    form = ServerForm  # type: ignore[assignment]
    list_display = ("slug", "name", "base_url", "concurrency", "enabled")
    list_filter = ("enabled",)
    search_fields = ("slug", "name", "base_url")

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "preset/",
            self.admin_site.admin_view(self.preset_view),
            name="gateway_openaiserver_preset",
        )
        return [page, *super().get_urls()]

    def preset_view(self, request: HttpRequest) -> HttpResponse:
        return preset_page(self, request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow a server to be deleted only when it has no keys."""
        is_empty = obj is None or not (
            ProviderCredential._default_manager.filter(provider=obj.slug).exists()
        )
        return is_empty and super().has_delete_permission(request, obj)


def _value(settings: object, name: str) -> object:
    return settings.get(name) if isinstance(settings, dict) else None


def models_of_alone(credential: ProviderCredential) -> list[str]:
    """Return the models that would be served by nobody without this credential."""
    others = (
        ProviderCredential._default_manager.filter(provider=credential.provider, enabled=True)
        .exclude(pk=credential.pk)
        .exists()
    )
    if others or pool.from_environment(credential.provider) is not None:
        return []
    left = pool.with_credentials() - {credential.provider}
    lost = []
    for model in snapshot.current().models():
        providers = {route.provider for route in model.routes}
        if credential.provider in providers and not providers & left:
            lost.append(model.id)
    return lost
