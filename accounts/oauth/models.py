"""Tables beside the toolkit's own: an application's details, the origin of a token, one-click codes."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AccessToken, Application


class ApplicationDetails(models.Model):
    """An application's homepage, and whether operators disabled it."""

    application = models.OneToOneField(
        "oauth2_provider.Application",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="details",
    )
    homepage = models.URLField(blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("application details")
        verbose_name_plural = _("application details")

    def __str__(self) -> str:
        return str(self.application)


class IssuedToken(models.Model):
    """An access token's account, the code that it was given for, and its last use.

    The code is kept as its SHA-256, so that the code's second use finds the token and ends it.
    """

    token = models.OneToOneField(
        "oauth2_provider.AccessToken",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="issued",
    )
    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    code_digest = models.CharField(max_length=64, unique=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_from = models.CharField(max_length=43, blank=True)

    class Meta:
        verbose_name = _("issued token")
        verbose_name_plural = _("issued tokens")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="issued_token_code_is_sha256", condition=Exact(Length("code_digest"), 64)
            )
        ]

    def __str__(self) -> str:
        return str(self.token_id)


class OneClickCode(models.Model):
    """A code of the one-click form, kept as its SHA-256; `api_key` is what it was given for."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    callback_host = models.CharField(max_length=255)
    code_challenge = models.CharField(max_length=43)
    expires_at = models.DateTimeField()
    api_key = models.OneToOneField(
        "accounts.APIKey", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("one-click code")
        verbose_name_plural = _("one-click codes")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="one_click_code_is_sha256", condition=Exact(Length("digest"), 64)
            )
        ]

    def __str__(self) -> str:
        return self.callback_host


class OAuthApplication(Application):  # type: ignore[misc]  # the toolkit has no types
    """The toolkit's application, with our own name on the operators' pages."""

    class Meta:
        app_label = "accounts"
        proxy = True
        verbose_name = _("application")
        verbose_name_plural = _("applications")


class OAuthToken(AccessToken):  # type: ignore[misc]
    """The toolkit's access token, likewise."""

    class Meta:
        app_label = "accounts"
        proxy = True
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
