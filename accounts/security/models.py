"""The tables of security events; triggers refuse every change of both. Private to accounts."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

NETWORK_MAX_CHARS = 43


class Signal(models.TextChoices):
    """What was noticed."""

    REFUSED_CREDENTIALS = "refused_credentials", _("many refused credentials from one network")
    MANY_NETWORKS = "many_networks", _("a key used from many networks")
    UNUSUAL_SPENDING = "unusual_spending", _("unusual spending")
    MANY_SIGN_UPS = "many_sign_ups", _("many new accounts from one network")
    MODERATION_REFUSALS = "moderation_refusals", _("many requests refused by moderation")
    ABANDONED_REQUESTS = "abandoned_requests", _("many requests left before their answer")
    LEAKED_KEY = "leaked_key", _("a key reported as leaked")


class SecurityEvent(models.Model):
    """One sign of suspicious activity. `evidence` holds the figures that it was judged by.

    It is about a `network`, an `account`, or an `api_key` of an account.
    """

    at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)
    signal = models.CharField(_("signal"), max_length=20, choices=Signal.choices)
    network = models.CharField(_("network"), max_length=NETWORK_MAX_CHARS, blank=True)
    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="security_events",
        verbose_name=_("account"),
    )
    api_key = models.ForeignKey(
        "accounts.APIKey",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="security_events",
        verbose_name=_("API key"),
    )
    evidence = models.JSONField(_("evidence"))

    class Meta:
        app_label = "accounts"
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                name="security_event_of_a_subject", fields=["signal", "account", "network", "-id"]
            )
        ]

    def __str__(self) -> str:
        return self.get_signal_display()


class EventConfirmation(models.Model):
    """The owner, or an operator, says that an event is no cause for concern."""

    event = models.OneToOneField(
        SecurityEvent, on_delete=models.PROTECT, related_name="confirmation"
    )
    at = models.DateTimeField(_("time"), default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        app_label = "accounts"
        verbose_name = _("confirmation of an event")
        verbose_name_plural = _("confirmations of events")

    def __str__(self) -> str:
        return str(self.event)


class SignUp(models.Model):
    """From which network an account was made; empty for one of our own."""

    account = models.OneToOneField(
        "accounts.Account", on_delete=models.PROTECT, related_name="sign_up"
    )
    network = models.CharField(max_length=NETWORK_MAX_CHARS, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "accounts"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="sign_ups_of_a_network", fields=["network", "at"])
        ]

    def __str__(self) -> str:
        return f"{self.network} {self.account_id}"
