"""The forms of an OAuth application."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from oauth2_provider.models import Application

from accounts.oauth import names, redirect_uris

NAME_MAX_CHARS = 100
ADDRESSES_MAX = 10


class ApplicationForm(forms.Form):
    """The settings of an application."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=NAME_MAX_CHARS,
        help_text=gettext_lazy("People see it when the application asks to be let in."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    homepage = forms.URLField(
        label=gettext_lazy("Home page"),
        required=False,
        assume_scheme="https",
        max_length=200,
        help_text=gettext_lazy("Where people can read what the application is. It may be empty."),
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://example.ru"}),
    )
    addresses = forms.CharField(
        label=gettext_lazy("Redirect addresses"),
        max_length=ADDRESSES_MAX * (redirect_uris.MAX_CHARS + 2),
        help_text=gettext_lazy(
            "Where people return with their answer, one address in a line. They are compared"
            " letter by letter; on localhost and 127.0.0.1 any port will do."
        ),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, application: Application | None = None, **options: Any) -> None:
        """Fill in the settings of the `application` that is edited."""
        if application is not None:
            details = getattr(application, "details", None)
            options["initial"] = {
                "name": application.name,
                "homepage": details.homepage if details else "",
                "addresses": "\n".join(application.redirect_uris.split()),
            }
        super().__init__(*args, **options)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError(_("The name must have no invisible characters."))
        try:
            names.check(name)
        except names.ReservedName:
            raise forms.ValidationError(
                _("An application may not call itself XRouter. Choose a name of your own.")
            ) from None
        return name

    def clean_homepage(self) -> str:
        homepage: str = self.cleaned_data["homepage"]
        if homepage and not homepage.startswith(("https://", "http://")):
            raise forms.ValidationError(_("The address must begin with https:// or http://."))
        return homepage

    def clean_addresses(self) -> list[str]:
        addresses = self.cleaned_data["addresses"].split()
        if len(addresses) > ADDRESSES_MAX:
            raise forms.ValidationError(
                _("An application has %(most)s addresses at most.") % {"most": ADDRESSES_MAX}
            )
        for address in addresses:
            try:
                redirect_uris.check(address)
            except redirect_uris.InvalidRedirectURI as error:
                raise forms.ValidationError(f"{address[:100]}: {error}") from None
        return list(addresses)


class NewApplicationForm(ApplicationForm):
    """A new application; its kind cannot be changed later."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=[
            (
                Application.CLIENT_PUBLIC,
                gettext_lazy(
                    "Public: it runs at people's own, in a browser or on a device, and could not"
                    " keep a secret."
                ),
            ),
            (
                Application.CLIENT_CONFIDENTIAL,
                gettext_lazy("Confidential: it runs on a server of yours, which keeps its secret."),
            ),
        ],
        widget=forms.RadioSelect,
    )
