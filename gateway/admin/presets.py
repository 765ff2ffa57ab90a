"""The operators' page that adds an OpenAI-compatible server, or a key of a built-in provider, in one step."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.audit import log
from accounts.audit.audited_admin import AuditedAdmin
from accounts.audit.log import Action
from gateway.catalog.presets import (
    Preset,
    ServerOrder,
    add_credential,
    add_server,
    presets,
    rates_of,
)
from gateway.models import LanguageModel, OpenAIServer, ProviderCredential
from gateway.providers import registry
from gateway.providers.errors import ProviderError
from gateway.providers.openai_listing import ListedModel
from gateway.providers.registry import BUILT_IN

TIMEOUT_S = 10.0


class PriceField(forms.DecimalField):
    """Roubles per million tokens; empty where they are not known."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            max_digits=12, decimal_places=3, min_value=Decimal("0"), required=False, **options
        )


class PresetForm(forms.Form):
    """What the step needs; the server is asked for its list of models, which is free, and nothing else."""

    preset = forms.ChoiceField(label=_("Preset"))
    slug = forms.CharField(
        label=_("slug"),
        required=False,
        max_length=32,
        help_text=_("Of a server of yours. Empty: that of the preset."),
    )
    name = forms.CharField(label=_("name"), required=False, max_length=100)
    base_url = forms.CharField(
        label=_("address"),
        required=False,
        max_length=500,
        help_text=_("Of a server of yours. Empty: that of the preset."),
    )
    api_key = forms.CharField(
        label=_("key"),
        required=False,
        max_length=20_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "size": 60}),
    )
    folder_id = forms.CharField(
        label=_("folder"),
        required=False,
        max_length=100,
        help_text=_("Of Yandex Cloud. Empty: that of the environment."),
    )
    prompt = PriceField(
        label=_("prompt, roubles per million"),
        help_text=_("What it costs us. Empty: the models wait for a price."),
    )
    completion = PriceField(label=_("answer, roubles per million"))
    cached = PriceField(
        label=_("cached, roubles per million"),
        help_text=_("Empty: as the prompt."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["preset"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(key, preset.title) for key, preset in presets().items()]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        preset = presets().get(cleaned.get("preset", ""))
        if preset is None or self.errors:
            return cleaned
        cleaned["preset"] = preset
        cleaned["order"] = self._order(preset, cleaned)
        cleaned["listed"] = self._listed(preset, cleaned["order"])
        return cleaned

    def _order(self, preset: Preset, cleaned: dict[str, Any]) -> ServerOrder:
        if preset.provider and not cleaned["api_key"]:
            raise ValidationError({"api_key": _("This provider needs a key.")})
        prompt, completion = cleaned["prompt"], cleaned["completion"]
        if (prompt is None) != (completion is None) or prompt == 0:
            raise ValidationError(
                {
                    "prompt": _(
                        "Set the prices of prompt and answer, or neither; a prompt costs something."
                    )
                }
            )
        cached = prompt if cleaned["cached"] is None else cleaned["cached"]
        folder = {"folder_id": cleaned["folder_id"]} if cleaned["folder_id"] else {}
        return ServerOrder(
            slug=cleaned["slug"] or preset.slug,
            name=cleaned["name"] or preset.title,
            base_url=cleaned["base_url"] or preset.base_url,
            api_key=cleaned["api_key"],
            price=None if prompt is None else rates_of(prompt, completion, cached),
            settings={name: folder[name] for name in preset.settings if name in folder},
        )

    def _listed(self, preset: Preset, order: ServerOrder) -> list[ListedModel]:
        """Ask the server for its models."""
        base_url = order.base_url
        if preset.provider:
            built_in = BUILT_IN[preset.provider]
            address = str(getattr(settings, built_in.settings["base_url"]))
            base_url = f"{address.rstrip('/')}{built_in.compatible_path}"
        try:
            return registry.models_of(
                preset.provider or order.slug,
                base_url=base_url,
                api_key=order.api_key or None,
                timeout_s=TIMEOUT_S,
            )
        except (ProviderError, ValueError, OSError) as error:
            refusal = _("It does not list its models: %(error)s") % {"error": error}
            raise ValidationError(refusal) from error


def preset_page(model_admin: AuditedAdmin, request: HttpRequest) -> HttpResponse:
    """Show the form, or add what it says and lead to it."""
    needed = (OpenAIServer, ProviderCredential, LanguageModel)
    if not all(request.user.has_perm(f"gateway.add_{model._meta.model_name}") for model in needed):
        raise PermissionDenied
    form = PresetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        preset, order, listed = (form.cleaned_data[name] for name in ("preset", "order", "listed"))
        try:
            with log.as_one():
                if preset.provider:
                    added: Any = add_credential(preset.provider, preset, order)
                else:
                    added = add_server(preset, order, listed)
                log.write(Action.ADD, [added], detail={"models": len(listed)})
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            done = gettext("Added; it lists %(count)s models.") % {"count": len(listed)}
            model_admin.message_user(request, done)
            page = "providercredential" if preset.provider else "openaiserver"
            return redirect(f"admin:gateway_{page}_changelist")
    context = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("Add a server by a preset"),
        "opts": model_admin.opts,
        "form": form,
    }
    return render(request, "admin/gateway/openaiserver/preset.html", context)
