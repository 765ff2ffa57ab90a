"""The table of saved payment methods, and of the automatic top-ups that are paid with them."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class AutoTopUp(models.Model):
    """A payment method that an account has saved at the shop; while `is_on`, it tops the balance up.

    `consent` is the text that the owner agreed to, in `language`, at `consented_at`. After a decline nothing
    is paid before `retry_at`; `declines` are those in a row.
    """

    account = models.OneToOneField(
        "accounts.Account",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="+",
        verbose_name=_("account"),
    )
    method_id = models.CharField(max_length=64)
    method_title = models.CharField(_("payment method"), max_length=100)
    saved_at = models.DateTimeField(_("saved"))
    is_on = models.BooleanField(_("on"), default=False)
    threshold_nano = models.BigIntegerField(null=True)
    amount_nano = models.BigIntegerField(null=True)
    month_cap_nano = models.BigIntegerField(null=True)
    language = models.CharField(max_length=10, default="")
    consent = models.TextField(_("consent"), default="")
    consented_at = models.DateTimeField(_("consented"), null=True)
    declines = models.PositiveSmallIntegerField(default=0)
    last_decline = models.CharField(_("declined for"), max_length=64, default="")
    declined_at = models.DateTimeField(_("declined"), null=True)
    retry_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("automatic top-up")
        verbose_name_plural = _("automatic top-ups")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="automatic_top_up_is_agreed_to",
                condition=Q(is_on=False)
                | Q(
                    threshold_nano__gt=0,
                    amount_nano__gt=0,
                    month_cap_nano__gte=F("amount_nano"),
                    consented_at__isnull=False,
                )
                & ~Q(consent="")
                & ~Q(method_id=""),
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.method_title}"
