"""The tables of redemption codes."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class CodeBatch(models.Model):
    """Codes made together by an operator, each worth `amount_nano`.

    `key` is the form's own, so that a form sent twice makes one batch. With an `email_folded` only its
    owner may redeem them.
    """

    key = models.UUIDField(unique=True, editable=False)
    amount_nano = models.BigIntegerField(_("amount"))
    expires_at = models.DateTimeField(_("valid until"))
    note = models.CharField(_("note"), max_length=200)
    email_folded = models.CharField(_("for the e-mail"), max_length=254, default="", db_default="")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("who")
    )
    created_at = models.DateTimeField(_("time"), db_default=Now())

    class Meta:
        verbose_name = _("batch of codes")
        verbose_name_plural = _("batches of codes")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="code_amount_is_positive", condition=Q(amount_nano__gt=0))
        ]

    def __str__(self) -> str:
        return self.note


class RedemptionCode(models.Model):
    """One code, of which only the SHA-256 and the last characters are kept.

    It is redeemed with its ledger entry, which bears the code's id as its payment.
    """

    batch = models.ForeignKey(
        CodeBatch, on_delete=models.PROTECT, related_name="codes", verbose_name=_("batch of codes")
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    tail = models.CharField(_("ends with"), max_length=4)
    voided_at = models.DateTimeField(_("voided"), null=True)
    redeemed_at = models.DateTimeField(_("redeemed"), null=True)
    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("account"),
    )
    entry = models.OneToOneField(
        "billing.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("redemption code")
        verbose_name_plural = _("redemption codes")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="code_is_redeemed_with_its_entry",
                condition=Q(redeemed_at=None, account=None, entry=None)
                | Q(redeemed_at__isnull=False, account__isnull=False, entry__isnull=False),
            ),
            models.CheckConstraint(
                name="voided_code_is_not_redeemed",
                condition=Q(voided_at=None) | Q(redeemed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"…{self.tail}"
