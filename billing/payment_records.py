"""The table of payments: what people asked the payment provider to take from them."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Payment(models.Model):
    """A top-up on its way. `provider_id` is the payment's at the provider, null until it has one.

    `entry` is the ledger entry that credited it; only a succeeded payment has one.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        SUCCEEDED = "succeeded", _("succeeded")
        CANCELED = "canceled", _("canceled")

    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="+")
    amount_nano = models.BigIntegerField()
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    idempotence_key = models.UUIDField(unique=True, default=uuid.uuid4)
    provider_id = models.CharField(  # noqa: DJ001 -- many have none, and none is not an equal one
        max_length=64, unique=True, null=True
    )
    confirmation_url = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())
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
            models.CheckConstraint(name="payment_is_positive", condition=Q(amount_nano__gt=0)),
            models.CheckConstraint(
                name="payment_succeeds_with_its_entry",
                condition=Q(status="succeeded", entry__isnull=False)
                | ~Q(status="succeeded") & Q(entry__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.provider_id or str(self.idempotence_key)
