"""The table of payments."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Payment(models.Model):
    """A top-up by card. `provider_id` is the payment's id at the provider, null until it has one.

    With a `method_id` it is an automatic one, paid with that saved method. One that `saves_method` asks
    the shop to save what it is paid with.

    `entry` is the ledger entry that credited it; only a succeeded payment has one. A mismatched one was
    paid otherwise than it was asked for, as `note` says: it is over, and an operator's to settle.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        SUCCEEDED = "succeeded", _("succeeded")
        CANCELED = "canceled", _("canceled")
        MISMATCHED = "mismatched", _("paid otherwise")

    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("account"),
    )
    amount_nano = models.BigIntegerField(_("amount"))
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.PENDING
    )
    idempotence_key = models.UUIDField(unique=True, default=uuid.uuid4)
    provider_id = models.CharField(  # noqa: DJ001 -- many have none, and none is not an equal one
        max_length=64, unique=True, null=True
    )
    confirmation_url = models.TextField(default="")
    note = models.TextField(_("note"), default="", db_default="")
    saves_method = models.BooleanField(default=False, db_default=False)
    method_id = models.CharField(max_length=64, default="", db_default="")
    cancellation_reason = models.CharField(
        _("cancelled for"), max_length=64, default="", db_default=""
    )
    created_at = models.DateTimeField(_("time"), db_default=Now())
    asked_at = models.DateTimeField(db_default=Now())
    entry = models.OneToOneField(
        "billing.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                name="payments_to_ask_for", fields=["asked_at"], condition=Q(status="pending")
            )
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                name="account_has_one_automatic_payment_at_a_time",
                fields=["account"],
                condition=Q(status="pending") & ~Q(method_id=""),
            ),
            models.CheckConstraint(name="payment_is_positive", condition=Q(amount_nano__gt=0)),
            models.CheckConstraint(
                name="payment_succeeds_with_its_entry",
                condition=Q(status="succeeded", entry__isnull=False)
                | ~Q(status="succeeded") & Q(entry__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.provider_id or str(self.idempotence_key)

    @property
    def is_pending(self) -> bool:
        return self.status == self.Status.PENDING

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come of it. A canceled one may still turn out to be paid."""
        return self.status in {self.Status.SUCCEEDED, self.Status.MISMATCHED}


class PaymentRefund(models.Model):
    """What the shop has given back of a payment, whole or in part.

    `entry` is the ledger entry that took it back; where it could not be taken, `note` says why.
    """

    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("payment")
    )
    provider_id = models.CharField(max_length=64, unique=True)
    amount_nano = models.BigIntegerField(_("amount"))
    note = models.TextField(_("note"), default="", db_default="")
    created_at = models.DateTimeField(_("time"), db_default=Now())
    entry = models.OneToOneField(
        "billing.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("payment refund")
        verbose_name_plural = _("payment refunds")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="payment_refund_is_taken_back_or_says_why_not",
                condition=Q(entry__isnull=False, amount_nano__gt=0, note="")
                | Q(entry__isnull=True) & ~Q(note=""),
            ),
        ]

    def __str__(self) -> str:
        return self.provider_id
